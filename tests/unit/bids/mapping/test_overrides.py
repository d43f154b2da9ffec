"""What a person says of one series goes before any rule, for that series alone."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.overrides import check, with_overrides
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from coil.bids.series.stack import Counted
from coil.config.reading import read_overrides
from coil.errors import ConfigError, DataError

RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "mprage"}, "to": "anat/T1w", "duplicates": "last-complete"},
    {
        "match": {"series_description": "task-(?P<task>[a-z]+)"},
        "to": "func/bold",
        "entities": {"task": "{task}"},
        "expect": {"volumes": 200},
        "required": True,
    },
]
SESSION = [
    Series(scan="1", folder="series/001", series_description="mprage", image_type=("ORIGINAL",)),
    Series(scan="2", folder="series/002", series_description="task-a", counted=Counted(90, 30)),
    Series(scan="3", folder="series/003", series_description="mprage", image_type=("DERIVED",)),
]


def states(entries: dict[str, dict[str, Any]], series: list[Series] = SESSION) -> list[Resolution]:
    return resolve(series, with_overrides(parse(RULES), series, entries), "X", "Y")


def brief(rows: list[Resolution]) -> list[tuple[str, str | None]]:
    return [(row.state, row.name) for row in rows]


def test_without_an_override_the_rules_count() -> None:
    assert brief(states({})) == [
        ("mapped", "anat/sub-X_ses-Y_T1w"),
        ("incomplete", None),
        ("derived", None),
        ("missing", None),
    ]


def test_a_series_may_be_left_out_or_named_by_hand() -> None:
    said = {"1": {"ignore": "the wrong  person"}, "3": {"to": "anat/T2w", "entities": {"acq": "x"}}}
    rows = states(said)
    assert brief(rows)[0] == ("ignored", None)
    assert rows[0].reason == "the wrong person"
    assert brief(rows)[2] == ("mapped", "anat/sub-X_ses-Y_acq-x_T2w")
    assert rows[2].reason == "overrides: scan 3"


def test_the_rule_that_takes_a_series_may_be_amended() -> None:
    rows = states({"2": {"expect": {}, "entities": {"run": 2}}})
    assert brief(rows) == [
        ("mapped", "anat/sub-X_ses-Y_T1w"),
        ("mapped", "func/sub-X_ses-Y_task-a_run-2_bold"),
        ("derived", None),
    ], "the required series is not missing"


def test_the_other_series_of_a_rule_keep_it() -> None:
    second = Series(
        scan="9", folder="series/009", series_description="mprage", series_number=9,
        image_type=("ORIGINAL",),
    )  # fmt: skip
    rows = states({"9": {"to": "anat/T1w", "entities": {"acq": "b"}}}, [*SESSION[:2], second])
    assert [row.name for row in rows if row.state == "mapped"] == [
        "anat/sub-X_ses-Y_T1w",
        "anat/sub-X_ses-Y_acq-b_T1w",
    ]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"7": {"ignore": "x"}}, "overrides: scan 7: the session has no such scan; correct its n"),
        ({"3": {"expect": {}}}, "overrides: scan 3: no single rule names this series; write `to`"),
        ({"2": {"entities": {"inv": 1}}}, "overrides: scan 2.entities.inv: func/bold takes task"),
    ],
)
def test_what_does_not_fit_the_session_is_an_error(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        states(entries)
    assert message in str(caught.value)


def test_in_the_listing_an_amendment_waits_for_the_header() -> None:
    rules = [*RULES, {"match": {"scan_type": "x", "image_type": "P"}, "to": "anat/T2w"}]
    listed = [Series(scan="1", type="x", listed=True)]
    mapping = with_overrides(parse(rules), listed, {"1": {"entities": {"acq": "b"}}})
    assert mapping == parse(rules)


def overrides(folder: Path, said: object) -> dict[str, Any]:
    (folder / "study.yaml").write_text("")
    (folder / "said.yaml").write_text(yaml.safe_dump(said))
    settings = {"bids": {"overrides": "said.yaml"}}
    found = read_overrides(settings, "study.yaml", folder)
    check(found, "said.yaml")
    return found


def test_a_scan_is_a_number_or_a_text(tmp_path: Path) -> None:
    said = {"sub-x_ses-y": {4: {"ignore": "a"}, "5-MR1": {"ignore": "b"}}}
    assert set(overrides(tmp_path, said)["sub-x_ses-y"]) == {"4", "5-MR1"}


def test_a_file_may_say_nothing_yet(tmp_path: Path) -> None:
    assert overrides(tmp_path, None) == {}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sub-x_ses-y": {4: {"ignore": "a"}, "4": {"ignore": "b"}}}, "a scan stands twice"),
        ({"x": {"1": {"ignore": "a"}}}, "said.yaml: x: unknown key"),
        ({"sub-x_ses-y": {"1": {"ignor": "a"}}}, "said.yaml: sub-x_ses-y.1.ignor: unknown key"),
        ({"sub-x_ses-y": {"1": {"to": "anat/T9w"}}}, "said.yaml: sub-x_ses-y.1.to: `anat/T9w` is"),
        ({"sub-x_ses-y": {"1": {"to": "anat/T1w", "ignore": "a"}}}, "sub-x_ses-y.1.to: a rule has"),
        ({"sub-x_ses-y": {"1": {}}}, "said.yaml: sub-x_ses-y.1: empty"),
    ],
)
def test_a_broken_override_is_told_when_the_config_is_read(
    tmp_path: Path, said: object, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        overrides(tmp_path, said)
    assert str(caught.value).startswith(message) or message in str(caught.value)
