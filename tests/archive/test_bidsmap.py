"""The bidsmap of a project, wherever a lab keeps it in the archive."""

import json
from pathlib import Path
from typing import Any

import pytest

from coil import files
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.series.series import Series
from coil.errors import ConfigError
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]

T1 = [{"series_description": "a scan", "bidsname": "T1w"}]
T2 = [{"pattern": "(?i)SCAN", "suffix": "T2w", "modality": "anat"}]


@pytest.fixture
def mapped(study: Study) -> Study:
    """A project with a session, whose mapping is the archive's bidsmap."""
    study.session("A_1")
    bids = {"name": "n", "mapping": [{"use": "bidsmap"}]}
    study.settings = {"bids": bids}
    return study


def put_resource(study: Study, content: Any, resource: str = "config") -> None:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    home = f"/data/projects/{study.project}/resources/{resource}"
    study.put(f"{home}/files/bidsmap.json", text, overwrite="true")


def put_config(study: Study, content: Any, site: bool = False) -> None:
    where = "/data" if site else f"/data/projects/{study.project}"
    study.put(f"{where}/config/bids/bidsmap", json.dumps(content).encode(), inbody="true")


def maps(study: Study) -> Path:
    return study.private / "bidsmap.json"


def name(study: Study, description: str = "A scan") -> str | None:
    """The name that a series of a session gets."""
    series = [Series(scan="1", listed=True, series_description=description)]
    made = with_sources(parse([{"use": "bidsmap"}]), series, {"bidsmap": maps(study)})
    (row,) = resolve(series, made, "X", "Y")
    return row.name and row.name.replace("sub-X_ses-Y_", "")


@pytest.mark.parametrize("resource", ["config", "BIDS_bidsmap"])
def test_a_map_in_a_project_resource_names_the_series(mapped: Study, resource: str) -> None:
    put_resource(mapped, T1, resource)
    mapped.discover()
    assert name(mapped) == "anat/T1w"
    assert maps(mapped).stat().st_mode & 0o777 == 0o600


def test_a_map_in_the_projects_configuration_goes_before_its_resource(mapped: Study) -> None:
    put_resource(mapped, T1)
    put_config(mapped, {"mappings": T2})
    mapped.discover()
    assert name(mapped) == "anat/T2w"


def test_the_sites_map_serves_where_the_project_says_nothing(mapped: Study) -> None:
    put_config(mapped, [*T2, {"series_description": "other", "bidsname": "FLAIR"}], site=True)
    put_resource(mapped, T1)
    mapped.discover()
    assert (name(mapped), name(mapped, "Other")) == ("anat/T1w", "anat/FLAIR")
    mapped.raw("DELETE", "/data/config/bids/bidsmap")


def test_the_map_takes_a_few_requests_and_is_rewritten_only_when_it_changed(mapped: Study) -> None:
    put_config(mapped, T1)
    mapped.discover()
    before = maps(mapped).stat().st_mtime_ns
    asked = mapped.asked()
    assert sum("bidsmap" in path for path in asked) == 1  # and one for the site's
    assert maps(mapped).stat().st_mtime_ns == before
    put_config(mapped, T2)
    mapped.discover()
    assert maps(mapped).stat().st_mtime_ns != before


def test_a_project_that_does_not_use_it_is_not_asked_for_it(study: Study) -> None:
    study.session("A_1")
    put_config(study, T1)
    study.discover()
    assert not maps(study).exists()
    assert not [path for path in study.asked() if "bidsmap" in path]


def test_a_project_without_a_map_is_told_where_to_put_one(mapped: Study) -> None:
    with pytest.raises(ConfigError) as caught:
        mapped.discover()
    assert str(caught.value).startswith("bids.mapping: use: bidsmap: the archive has none; put ")
    assert not mapped.private.joinpath("link.tsv").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[\n{"pattern": }]', "bidsmap.json in the project's resource config, line 2: is no JSON"),
        (b"[1]", "bidsmap.json in the project's resource config, entry 1: is no JSON object"),
        (b"\xef\xbb\xbf7", "bidsmap.json in the project's resource config: neither a JSON list"),
    ],
)
def test_a_broken_map_is_told_in_one_line_and_changes_nothing(
    mapped: Study, content: bytes, said: str
) -> None:
    put_resource(mapped, T1)
    mapped.discover()
    known = files.read_json(maps(mapped))
    put_resource(mapped, content)
    with pytest.raises(ConfigError) as caught:
        mapped.discover()
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert files.read_json(maps(mapped)) == known
