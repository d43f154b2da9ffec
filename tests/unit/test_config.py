"""What a person reads who made a mistake in the config."""

import re
from pathlib import Path

import pytest
import yaml

from coil.bids.mapping.associated import parse_behaviour
from coil.bids.mapping.mapping import parse
from coil.config.reading import CHECKOUT, check_config, read_project, read_projects
from coil.config.reference import schemas, with_reference
from coil.errors import ConfigError

GOOD = {
    "project": "STUDY",
    "bids": {
        "name": "A study",
        "mapping": [{"match": {"series_description": "t1"}, "to": "anat/T1w"}],
    },
}


def read(tmp_path: Path, settings: object) -> dict:
    path = tmp_path / "study.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return read_project(path, "study.yaml")


def message(tmp_path: Path, settings: object) -> str:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, settings)
    return str(error.value)


def test_defaults_are_filled_in_at_every_depth(tmp_path: Path) -> None:
    settings = read(tmp_path, GOOD)
    assert settings["identity"]["dates"] == "shift"
    assert settings["archive"]["connections"] == 4
    assert settings["push"]["reports"] is False


def test_a_typo_names_file_key_and_the_key_that_was_meant(tmp_path: Path) -> None:
    broken = {**GOOD, "identity": {"subject": "hmac"}}
    assert message(tmp_path, broken) == (
        "study.yaml: identity.subject: unknown key; did you mean subjects?"
    )


def test_a_typo_in_a_list_is_found_by_its_place(tmp_path: Path) -> None:
    rules = [*GOOD["bids"]["mapping"], {"match": {"series_description": "x"}, "too": "anat/T2w"}]
    broken = {**GOOD, "bids": {"name": "A study", "mapping": rules}}
    assert "bids.mapping[1].too: unknown key; did you mean to?" in message(tmp_path, broken)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert message(tmp_path, {"bids": GOOD["bids"]}) == "study.yaml: project: missing; add this key"


def test_a_wrong_choice_lists_the_right_ones(tmp_path: Path) -> None:
    broken = {**GOOD, "identity": {"dates": "keep"}}
    assert "identity.dates: 'keep' is not known; use one of shift, none" in message(
        tmp_path, broken
    )


def test_a_broken_pattern_is_told_as_such(tmp_path: Path) -> None:
    rules = [{"match": {"series_description": "(rest"}, "to": "func/bold"}]
    broken = {**GOOD, "bids": {"name": "A study", "mapping": rules}}
    assert "bids.mapping[0].match.series_description: not a regular" in message(tmp_path, broken)


def test_a_rule_that_maps_and_ignores_is_refused(tmp_path: Path) -> None:
    rules = [{"match": {"series_description": "x"}, "to": "func/bold", "ignore": "no"}]
    broken = {**GOOD, "bids": {"name": "A study", "mapping": rules}}
    assert "bids.mapping[0]: a rule has either `to` or `ignore`" in message(tmp_path, broken)


def test_what_yaml_takes_for_a_truth_value_is_told(tmp_path: Path) -> None:
    rule = "{match: {note: x}, to: anat/MTR, entities: {mt: on}}"
    text = f"project: A\nbids: {{name: B, mapping: [{rule}]}}\n"
    assert message(tmp_path, text) == (
        "study.yaml: bids.mapping[0].entities.mt: True should be of type string or integer; "
        "write yes, no, on and off in quotes"
    )


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    assert "study.yaml, line 2: not YAML" in message(tmp_path, "project: A\nbids: {name: [}\n")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes("project: Z\u00fcrich".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"study.yaml: not UTF-8 text; save it as UTF-8"):
        read_project(path, "study.yaml")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "stands twice" in message(tmp_path, "project: A\nproject: B\n")


def test_a_day_stays_the_text_that_was_written(tmp_path: Path) -> None:
    text = yaml.safe_dump(GOOD) + "select: {after: 2024-01-31}\n"
    assert read(tmp_path, text)["select"]["after"] == "2024-01-31"


def test_every_message_is_one_line(tmp_path: Path) -> None:
    for broken in ({}, {"project": 1}, {**GOOD, "x": 1}, {**GOOD, "deface": "T1w"}, "- a\n"):
        assert "\n" not in message(tmp_path, broken)


def test_an_unknown_key_of_the_main_config_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"config/config.yaml: discovr: unknown key; did you"):
        check_config({"projects": [], "discovr": False})


def test_a_project_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.yaml: no such file"):
        read_projects(["nowhere.yaml"], tmp_path)


def test_the_reference_page_says_what_the_model_says() -> None:
    page = (CHECKOUT / "config" / "README.md").read_text()
    assert page == with_reference(page), "run `make reference`"


def test_the_schemas_say_what_the_model_says() -> None:
    folder = CHECKOUT / "config" / "schemas"
    assert {path.name: path.read_text() for path in folder.iterdir()} == schemas(), (
        "run `make reference`"
    )


def test_the_examples_of_the_page_are_valid() -> None:
    page = (CHECKOUT / "config" / "README.md").read_text()
    examples = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    mapped = [example["bids"] for example in examples if "mapping" in example.get("bids", {})]
    assert len(mapped) > 1
    for bids in mapped:
        parse(bids["mapping"], synonyms=bids.get("synonyms"))
        parse_behaviour(bids.get("behaviour", []))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, {"which": "transient", "times": 5}),
        ({"retry": "all"}, {"which": "all", "times": 5}),
        ({"retry": {"times": 2}}, {"which": "transient", "times": 2}),
    ],
)
def test_what_is_tried_again_is_said_by_a_word_or_by_a_table(
    written: dict[str, object], read: dict[str, object]
) -> None:
    assert check_config({"projects": [], **written})["retry"] == read


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("often", "retry.which: 'often' is not known; use one of transient, all, none"),
        ({"times": 0}, "retry.times: 0 is less than the minimum of 1"),
        ({"which": "all", "time": 2}, "retry.time: unknown key"),
    ],
)
def test_a_wrong_retry_is_named_with_its_remedy(written: object, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        check_config({"projects": [], "retry": written})
