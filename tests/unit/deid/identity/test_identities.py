import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.identity.identities import (
    ALPHABET,
    Link,
    LinkTable,
    bids_label,
    load_secret,
    pseudonym,
)
from coil.errors import ConfigError, DataError

SECRET = b"0123456789abcdef" * 4


def link(subject_id="S1", session_id="E1", subject="a1", session="b1") -> Link:
    return Link(subject_id, session_id, "Label of " + subject_id, "MR\t1", subject, session)


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "private" / "secret"
    first = load_secret(path)
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_secret(path) == first
    assert list(path.parent.iterdir()) == [path]


def test_a_secret_is_made_where_no_hard_link_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "private" / "secret"
    first = load_secret(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secret(path) == first
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_a_secret_that_others_can_read_is_refused_and_not_shown(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600") as error:
        load_secret(path)
    assert SECRET.decode() not in str(error.value)


def test_a_short_secret_is_refused(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_bytes(b"too short\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="shorter than 32"):
        load_secret(path)


def test_a_lost_secret_is_not_replaced_in_silence(tmp_path: Path):
    with pytest.raises(ConfigError, match="backup"):
        load_secret(tmp_path / "secret", create=False)
    assert not (tmp_path / "secret").exists()


def test_a_pseudonym_is_the_same_on_every_machine():
    assert pseudonym(SECRET, "P", "subject", "XNAT_S00001") == "ffxta3px"


@given(st.sets(st.text(max_size=20), min_size=2, max_size=50))
def test_pseudonyms_are_bids_labels_and_differ(ids: set[str]):
    labels = [pseudonym(SECRET, "P", "subject", archive_id) for archive_id in ids]
    assert len(set(labels)) == len(ids)
    assert all(len(label) == 8 and set(label) <= set(ALPHABET) for label in labels)


def test_a_pseudonym_depends_on_secret_project_kind_and_id():
    labels = {
        pseudonym(SECRET, "P", "subject", "1"),
        pseudonym(SECRET[::-1], "P", "subject", "1"),
        pseudonym(SECRET, "Q", "subject", "1"),
        pseudonym(SECRET, "P", "session", "1"),
        pseudonym(SECRET, "P", "subject", "2"),
        pseudonym(SECRET, "P1", "subject", ""),
    }
    assert len(labels) == 6


@pytest.mark.parametrize("label", ["01", "Ab9", "x" * 64])
def test_a_label_of_letters_and_digits_is_one_of_bids(label: str):
    assert bids_label(label) == label


@pytest.mark.parametrize("label", ["", "a-b", "Müller", "a b", "01\n", "x" * 65])
def test_any_other_label_is_none(label: str):
    assert bids_label(label) is None


def test_a_link_table_comes_back_sorted_and_readable_by_its_owner_only(tmp_path: Path):
    path = tmp_path / "link.tsv"
    rows = [link("S2", "E9", "z"), link("S1", "E1", "a"), link("S1", "E2", "a", "b2")]
    LinkTable(*rows).write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LinkTable.read(path).rows == sorted(rows)


def test_the_digest_of_a_link_table_does_not_follow_from_what_it_says(tmp_path: Path):
    """Snakemake notes the digests of inputs where others can read them."""
    one, other = tmp_path / "one.tsv", tmp_path / "other.tsv"
    for path in (one, other):
        LinkTable(link()).write(path)
    assert one.read_bytes() != other.read_bytes()
    LinkTable.read(one).write(other)
    assert one.read_bytes() == other.read_bytes()


def test_a_link_table_of_before_salt_is_read(tmp_path: Path):
    path = tmp_path / "link.tsv"
    LinkTable(link()).write(path)
    bare = "".join(line.rpartition("\t")[0] + "\n" for line in path.read_text().splitlines())
    path.write_text(bare)
    assert LinkTable.read(path).rows == [link()]


def test_no_file_is_an_empty_table(tmp_path: Path):
    assert LinkTable.read(tmp_path / "link.tsv").rows == []


def test_a_file_that_is_no_link_table_is_refused(tmp_path: Path):
    path = tmp_path / "link.tsv"
    path.write_text("a\tb\n1\t2\n")
    with pytest.raises(DataError, match="not a link table"):
        LinkTable.read(path)


def test_renaming_in_the_archive_replaces_the_row():
    table = LinkTable(link())
    renamed = Link("S1", "E1", "New name", "New session", "a1", "b1")
    table.add(renamed)
    assert table.rows == [renamed]


@pytest.mark.parametrize(
    "other",
    [
        link("S2", "E2", "A1", "b2"),  # another person, the same label but for its case
        link("S1", "E2", "a2", "b2"),  # the same person, another label
        link("S1", "E2", "a1", "B1"),  # the same person, the same session label
    ],
)
def test_labels_that_would_mix_up_people_or_sessions_are_refused(other: Link):
    table = LinkTable(link())
    with pytest.raises(DataError):
        table.add(other)
    assert table.rows == [link()]
