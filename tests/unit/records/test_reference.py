"""The page of the records says what their types say."""

import pkgutil

from coil import records
from coil.records.reference import reference


def test_every_module_with_a_type_is_on_the_page() -> None:
    page = reference()
    modules = {one.name for one in pkgutil.iter_modules(records.__path__)} - {"reference"}
    assert [name for name in sorted(modules) if f" {name}." not in page] == []


def test_a_key_has_its_type_its_meaning_and_whether_it_must_be() -> None:
    page = reference()
    assert "## session.SessionRecord, version 1\n" in page
    assert "`results/<project>/records/<unit>/admit.json`" in page
    assert "| `state` | `done`, `failed` · **required** |" in page
    assert "| `age` | integer or number or text or null | in years at the scan, capped |" in page
    assert "| `series` | list of [series.SeriesRow](#seriesseriesrow) |" in page


def test_a_part_is_on_the_page_once_and_every_link_leads_to_one() -> None:
    lines = reference().splitlines()
    headings = [line.lstrip("# ") for line in lines if line.startswith("###")]
    assert headings == sorted(set(headings))
    linked = {part.split("]")[0] for line in lines for part in line.split("[")[1:]}
    files = {line[3:].split(",")[0] for line in lines if line.startswith("## ")}
    assert linked <= {*headings, *files}
