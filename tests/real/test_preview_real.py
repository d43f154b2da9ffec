"""On real data one header of each series says what all of them do."""

import shutil
from pathlib import Path

import pytest
import yaml

from coil.archive.pull.headers import HEADER, cut
from coil.bids.draft.draft import draft
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.resolve import resolve
from coil.bids.series.partial import read_partial
from coil.bids.series.reading import read_series
from tests.real.real_bids import SESSIONS, pull, rules_of

pytestmark = pytest.mark.real

every_session = pytest.mark.parametrize("name", SESSIONS)


def headers_only(pulled: Path, folder: Path) -> Path:
    """What a peek leaves of a session: the beginning of the first file of each series."""
    shutil.copytree(pulled, folder, symlinks=True)
    for series in (folder / "series").iterdir():
        first = min(series.iterdir())
        data = cut(iter([first.read_bytes()]))
        assert len(data) < first.stat().st_size or data[-2:] == first.read_bytes()[-2:]
        shutil.rmtree(series)
        series.mkdir()
        (series / HEADER).write_bytes(data)
    return folder


def told(rows: list[Resolution]) -> list[tuple[str | None, str, str | None]]:
    return [(row.series.scan if row.series else None, row.state, row.name) for row in rows]


@every_session
def test_the_preview_by_headers_is_what_the_whole_session_settles_to(
    real_dicom: Path, name: str, tmp_path: Path
) -> None:
    pulled = pull(real_dicom / SESSIONS[name], tmp_path / "pulled")
    partial = read_partial(headers_only(pulled, tmp_path / "headers"))
    mapping = parse(rules_of(name))
    whole = read_series(pulled)
    assert told(resolve(partial, mapping, "X", "Y")) == told(resolve(whole, mapping, "X", "Y"))
    for one, all_of_it in zip(partial, whole, strict=True):
        if one.knows("volumes"):
            assert (one.volumes, one.slices) == (all_of_it.volumes, all_of_it.slices)


@every_session
def test_a_draft_by_headers_leaves_no_series_between_two_rules(
    real_dicom: Path, name: str, tmp_path: Path
) -> None:
    pulled = pull(real_dicom / SESSIONS[name], tmp_path / "pulled")
    series = read_partial(headers_only(pulled, tmp_path / "headers"))
    series = [one for one in series if one.series_description]
    if not series:
        return
    text = draft("REAL", "", [series], headers=True).text
    rows = resolve(series, parse(yaml.safe_load(text)["bids"]["mapping"]), "X", "Y")
    assert {row.state for row in rows} <= {"mapped", "ignored", "derived", "duplicate"}
