"""What the Snakefile needs to know of sessions and of code."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from coil import units
from coil.records.listing import UNCOUNTED, ListedSession, Scan, listed_bytes
from coil.units import Unit, Units, code_digest, read_units, scan_name


def test_a_unit_is_named_by_its_bids_labels() -> None:
    assert str(Unit("a1", "b2")) == "sub-a1_ses-b2"


def test_there_are_no_units_before_the_first_discovery(tmp_path: Path) -> None:
    assert read_units(tmp_path / "sessions.tsv") == Units()


class Counted(Units):
    """Sessions that count how often they are gone through."""

    passes = 0

    def __iter__(self) -> Iterator[Unit]:
        type(self).passes += 1
        return super().__iter__()


def test_the_sessions_of_a_scope_are_found_without_going_through_all_each_time() -> None:
    units = Counted(Unit(f"s{place // 2}", str(place % 2)) for place in range(40))
    for unit in Units(units):
        assert units.in_scope(str(unit)) == [unit]
        assert len(units.in_scope(f"sub-{unit.subject}")) == 2
    assert units.in_scope("project") == units
    assert units.in_scope("sub-s99") == ()
    assert Counted.passes == 2  # one of them the test's own


def test_a_scan_id_that_no_series_number_looks_like_is_not_shown() -> None:
    assert scan_name("6-MR1") == "scan 6-MR1"
    assert scan_name("1.2.840.99.20240501") == "a scan"


def test_a_session_is_as_large_as_its_scans_were_listed(tmp_path: Path) -> None:
    scans = tuple(Scan("1", bytes=number) for number in (3, None, 4))
    ListedSession(scans=scans).write(tmp_path / "noted.json")
    assert listed_bytes(tmp_path / "noted.json") == 7 + UNCOUNTED
    assert listed_bytes(tmp_path / "absent.json") == 0


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that imports one module of Coil, which imports another; a third is not used."""
    package = tmp_path / "coil" / "part"
    package.mkdir(parents=True)
    (tmp_path / "script.py").write_text("from coil.part import (\n    first,\n)\n")
    (package / "first.py").write_text("import os\nfrom coil.part.second import thing\n")
    (package / "second.py").write_text("thing = 1\n")
    (package / "third.py").write_text("")
    (tmp_path / "coil" / "other").mkdir()
    (tmp_path / "coil" / "other" / "page.html").write_text("")
    monkeypatch.setattr(units, "SCRIPTS", tmp_path)
    units._code.cache_clear()
    return tmp_path


def digest_after(path: Path, text: str) -> str:
    path.write_text(text)
    units._code.cache_clear()
    return code_digest("script")


def test_a_change_anywhere_below_a_script_changes_its_digest(house: Path) -> None:
    before = code_digest("script")
    assert digest_after(house / "coil" / "part" / "second.py", "thing = 2\n") != before


def test_a_change_elsewhere_does_not_change_the_digest(house: Path) -> None:
    before = code_digest("script")
    assert digest_after(house / "coil" / "part" / "third.py", "other = 2\n") == before
    assert digest_after(house / "coil" / "other" / "page.html", "<p>") == before


@pytest.mark.parametrize("name", ["page.html", "page.js", "enclose.sh"])
def test_what_a_used_package_has_beside_its_modules_counts_as_code(house: Path, name: str) -> None:
    before = code_digest("script")
    assert digest_after(house / "coil" / "part" / name, "changed") != before


def test_no_file_of_the_workflow_is_of_a_kind_that_no_digest_knows() -> None:
    files = (path for path in (units.SCRIPTS / "coil").rglob("*") if path.is_file())
    kinds = {path.suffix for path in files if path.parent.name != "__pycache__"}
    assert kinds - {".py"} <= set(units._DATA)


def test_the_digest_does_not_tell_where_the_code_lies(
    house: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {code_digest("script")}
    for place in ("coil/scripts", "elsewhere/scripts", "coil"):
        moved = tmp_path_factory.mktemp("clones") / place
        shutil.copytree(house, moved)
        (moved / "beside.json").write_text(place)  # no package's
        monkeypatch.setattr(units, "SCRIPTS", moved)
        units._code.cache_clear()
        found.add(code_digest("script"))
    assert len(found) == 1
