"""People whom DICOM headers name are found in tables, and words of the language are not."""

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.leak import people
from coil.deid.leak.common_words import COMMON
from coil.deid.leak.headers import collect
from coil.deid.leak.identifiers import Identifier
from coil.deid.leak.people import CONTACT, ID, PATIENT, PERSON, People
from tests.support.bids import Pulled

KNOWN = [
    Identifier("Quillfeather^Grace^M", PATIENT),
    Identifier("Müller-Österberg^Anna", PATIENT),
    Identifier("Li^Wei", PATIENT),
    Identifier("Yamada^Tarou=山田^太郎", PATIENT),
    Identifier("Long^Will", PATIENT),
    Identifier("Brambleshaw^Ed^^Dr", PERSON),
    Identifier("Research Assistant", PERSON),
    Identifier("KH-0048213", ID),
    Identifier("2019", ID),
    Identifier("+49 761 270-51830", CONTACT),
    Identifier("Fuchsweg 7, 79111 Ottersheim", CONTACT),
]


@pytest.fixture(scope="module")
def found() -> People:
    return People(KNOWN, {"1", "A"})


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("spoke with Ms quillfeather today", PATIENT),
        ("Quillfeather's mother", PATIENT),
        ("Quillfeathers Mutter", PATIENT),
        ("Grace Quillfeather", PATIENT),
        ("mueller rang", PATIENT),
        ("MULLER rang", PATIENT),
        ("see Osterberg", PATIENT),
        ("anna_muller@example.org", PATIENT),
        ("Wei Li was late", PATIENT),
        ("then Li called", PATIENT),
        ("then 山田太郎 called", PATIENT),
        ("Long, Will: late", None),
        ("ask brambleshaw", PERSON),
        ("number 48213 is hers", ID),
        ("kh0048213", ID),
        ("KH-0048213", ID),
        ("0761/270 51830", CONTACT),
        ("at Fuchsweg 7, 79111 Ottersheim", CONTACT),
        (base64.b64encode(b"ask Quillfeather again").decode(), PATIENT),
    ],
)
def test_people_are_found_as_others_write_of_them(
    found: People, cell: str, kind: str | None
) -> None:
    assert found.kind(["fine", cell, ""]) == kind


@pytest.mark.parametrize(
    "cell",
    [
        "It will take a long time, and by the grace of God it may not.",
        "Will it be long?",
        "Dr Who and an assistant for research",
        "reliability, wedding, edge, ed, li",
        "since 2019 (2019), 48213.5 steps, no 148213",
        "48213",
        "A. was here, 1 time",
        "female, right-handed, 34",
    ],
)
def test_words_numbers_and_parts_of_words_are_nobody(found: People, cell: str) -> None:
    assert found.kind([cell]) is None


def test_a_name_of_staff_with_two_letters_is_not_looked_for(found: People) -> None:
    assert found.kind(["Ed came"]) is None


@given(st.sampled_from(sorted(COMMON)), st.sampled_from(["{}", "{}^", "^{}", "Dr {}"]))
def test_a_common_word_alone_names_nobody(word: str, name: str) -> None:
    one = People([Identifier(name.format(word.capitalize()), PATIENT)])
    assert one.kind([f"{word} here, {word.capitalize()} there"]) is None


@given(
    st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12), min_size=2, max_size=3)
)
def test_both_parts_of_a_name_beside_each_other_are_found(parts: list[str]) -> None:
    low = set(parts)
    one = People([Identifier("^".join(parts), PATIENT)])
    if not low & people.WORDS:
        assert one.kind([f"met {parts[1]} {parts[0]} again"]) == PATIENT


def test_what_is_noted_is_the_owners_alone_and_read_back(tmp_path: Path) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    people.write(paths[0], KNOWN, b"secret")
    people.write(paths[1])
    assert people.read(paths) == set(KNOWN)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_the_same_people_give_the_same_file_and_another_secret_another(tmp_path: Path) -> None:
    """So that nothing runs again for it, and nobody can guess what its digest is of."""
    paths = [tmp_path / name for name in "abc"]
    for path, known, secret in zip(
        paths, (KNOWN, KNOWN[::-1], KNOWN), (b"one", b"one", b"two"), strict=True
    ):
        people.write(path, known, secret)
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two != three


def test_headers_tell_names_numbers_and_addresses_of_people_and_nothing_else(
    tmp_path: Path,
) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan(
        "mprage",
        PatientName="Quillfeather^Grace",
        PatientID="KH-0048213",
        PatientSex="F",
        PatientAge="034Y",
        OperatorsName="Brambleshaw",
        PatientAddress="Fuchsweg 7",
        PatientTelephoneNumbers="0761 27051830",
        StudyDescription="Depression",
        InstitutionName="Hospital",
        DeviceSerialNumber="35177",
    )
    kept = {(one.value, one.kind) for one in collect(session.folder).people}
    assert {
        ("Quillfeather^Grace", PATIENT),
        ("KH-0048213", ID),
        ("Brambleshaw", PERSON),
        ("Fuchsweg 7", CONTACT),
        ("0761 27051830", CONTACT),
    } <= kept
    assert not {value for value, _ in kept} & {"F", "034Y", "Depression", "Hospital", "35177"}
