"""What pydicom, dcm2niix and heudiconv say of files that they cannot use stays behind."""

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from tests.battery import search
from tests.battery.conftest import LONG
from tests.battery.plants import Plants
from tests.battery.study import Battery, build, configure
from tests.workflow.lab import Run

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.battery,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom's, of what is damaged here
    LONG,
]

CONVERTERS = ("dcm2niix", "heudiconv")
# Texts where pydicom takes numbers, dates and a character set for granted; it quotes them.
TEXTS = {
    "InstanceNumber": "IS",
    "EchoTime": "DS",
    "PixelSpacing": "DS",
    "AcquisitionTime": "TM",
    "PatientAge": "AS",
}


def texts_for_numbers(series: list[Path], plants: Plants) -> None:
    """Words where a run's files should have numbers."""
    for path in _of(series, "task_nback"):
        _put(path, {name: (vr, plants.word(f"{name} in {vr}")) for name, vr in TEXTS.items()})


def unknown_characters(series: list[Path], plants: Plants) -> None:
    """A character set that nobody knows."""
    for path in _of(series, "t1_classic"):
        word = plants.word("character set").upper()
        _put(path, {"SpecificCharacterSet": ("CS", word)})


def cut_off(series: list[Path], _: Plants) -> None:
    """A file that ends in its pixels."""
    path = _of(series, "task_nback")[2]
    path.write_bytes(path.read_bytes()[:-400])


def not_compressed(series: list[Path], _: Plants) -> None:
    """Files that claim to be compressed."""
    for path in _of(series, "t1_classic"):
        raw = path.read_bytes()
        path.write_bytes(raw.replace(ExplicitVRLittleEndian.encode(), RLELossless.encode(), 1))


def turned(series: list[Path], plants: Plants) -> None:
    """Slices of one series that look in all directions, and one of another size."""
    for number, path in enumerate(_of(series, "t1_classic")):
        cosines = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]][number % 2]
        _put(path, {"ImageOrientationPatient": ("DS", cosines), "ImageType": ("CS", "DERIVED")})


DAMAGES = (texts_for_numbers, unknown_characters, cut_off, not_compressed, turned)


def _of(series: list[Path], begin: str) -> list[Path]:
    for folder in series:
        files = sorted(folder.iterdir())
        if str(pydicom.dcmread(files[0]).SeriesDescription).startswith(begin):
            return files
    raise LookupError(begin)


def _put(path: Path, values: dict[str, tuple[str, object]]) -> None:
    data = pydicom.dcmread(path)
    for keyword, (vr, value) in values.items():
        element = DataElement(Tag(keyword), vr if isinstance(value, list) else "LO", value)
        element.VR = vr
        data[Tag(keyword)] = element
    data.save_as(path, enforce_file_format=True)


@pytest.fixture(scope="module")
def damaged(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Battery, dict[str, Run], dict[str, list[str]]]]:
    """Sessions that are spoilt in all ways, run with both converters; what survived each."""
    root = tmp_path_factory.mktemp("damaged")
    battery = build(root, "damaged", simulated=False, sessions=len(DAMAGES), damages=DAMAGES)
    runs, found = {}, {}
    with battery.lab.open():
        for converter in CONVERTERS:
            configure(battery, converter=converter)
            runs[converter] = run = battery.run("--config", "retry=all")
            files = battery.seen() + [p for p in battery.scratch.rglob("*") if p.is_file()]
            hits = search.search(battery.plants, files, battery.lab.root)
            hits["printed"] = search.in_bytes(battery.plants, run.output.encode())
            found[converter] = search.told(battery.plants, hits)
        yield battery, runs, found


@pytest.mark.parametrize("converter", CONVERTERS)
def test_nothing_survives_an_error(
    damaged: tuple[Battery, dict[str, Run], dict[str, list[str]]], converter: str
) -> None:
    assert damaged[2][converter] == []
    assert damaged[1][converter].status == 0


def test_each_damage_is_told(
    damaged: tuple[Battery, dict[str, Run], dict[str, list[str]]],
) -> None:
    """Else nothing was provoked."""
    for record in damaged[0].lab.records():
        states = {row["state"] for row in record["series"]}
        assert record["state"] == "failed" or "failed" in states, record
