"""What a project's config says of analyses: what it means, and what is wrong with it."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from coil.analyses import definitions
from coil.analyses.definitions import Analysis, analyses_of
from coil.analyses.entries import bundled
from coil.config import reading
from coil.config.reading import read_project
from coil.errors import ConfigError

BIDS = {"name": "N", "mapping": [{"match": {"note": "x"}, "ignore": "y"}]}
OWN = {"name": "mine", "script": "code/mine.py"}
MINE = {"analyses": [OWN]}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with scripts of the lab's own."""
    (tmp_path / "code").mkdir()
    for name in ("mine.py", "helper.py", "other.R", "book.ipynb", "env.yaml", "data.csv"):
        (tmp_path / "code" / name).write_text("")
    return tmp_path


def read(lab: Path, analyses: list[Any], **more: Any) -> dict[str, Analysis]:
    settings = {"project": "P", "bids": BIDS, "analyses": analyses, **more}
    (lab / "study.yaml").write_text(yaml.safe_dump(settings))
    return analyses_of(read_project(lab / "study.yaml", "study.yaml"), "study.yaml", lab)


def test_a_bundled_analysis_is_known_by_its_name(lab: Path) -> None:
    qc = read(lab, ["qc"])["qc"]
    assert (qc.level, qc.file.name, qc.env and qc.env.name) == ("session", "qc.py", "qc.yaml")
    assert qc == read(lab, [{"name": "qc"}])["qc"]


def test_without_the_key_qc_is_run(lab: Path) -> None:
    (lab / "study.yaml").write_text(yaml.safe_dump({"project": "P", "bids": BIDS}))
    settings = read_project(lab / "study.yaml", "study.yaml")
    assert list(analyses_of(settings, "study.yaml", lab)) == ["qc"]


def test_params_and_resources_of_a_bundled_analysis_go_over_its_own_key_by_key(lab: Path) -> None:
    entry = {"name": "qc", "params": {"x": 1}, "resources": {"mem_mb": 9000}}
    qc = read(lab, [entry])["qc"]
    assert qc.params == bundled()["qc"].params | {"x": 1}
    assert qc.resources.mem_mb == 9000
    assert qc.resources.runtime == bundled()["qc"].resources.runtime


def test_an_analysis_of_the_labs_own_has_its_files_beside_the_config(lab: Path) -> None:
    entry = OWN | {"env": "code/env.yaml", "level": "subject", "inputs": ["dataset", "qc"]}
    mine = read(lab, ["qc", entry])["mine"]
    assert (mine.file, mine.env) == (lab / "code" / "mine.py", lab / "code" / "env.yaml")
    assert (mine.level, mine.dataset, mine.others) == ("subject", None, {"qc": "session"})


def test_what_it_sees_of_the_dataset_is_all_some_or_nothing(lab: Path) -> None:
    for inputs, dataset in (
        (["dataset"], None),
        ([{"dataset": ["bold", "events"]}], ("bold", "events")),
        (["qc"], ()),
    ):
        assert read(lab, ["qc", OWN | {"inputs": inputs}])["mine"].dataset == dataset


@pytest.mark.parametrize(
    ("analyses", "message"),
    [
        (["qcc"], "study.yaml: analyses[0]: qcc is not known; did you mean qc? or give it a "),
        ([OWN, OWN], "study.yaml: analyses[1]: mine stands twice; rename or remove one"),
        ([{"name": "push", "script": "code/mine.py"}], "the name push is taken by Coil"),
        ([OWN | {"notebook": "code/book.ipynb"}], "mine has both a script and a notebook"),
        ([{"name": "qc", "level": "subject"}], "analyses[0].level: qc is a bundled analysis, of"),
        ([OWN | {"script": "code/gone.py"}], "analyses[0].script: code/gone.py: no such file"),
        ([OWN | {"script": "code/data.csv"}], "data.csv does not end in .py or .R or .sh"),
        ([OWN | {"env": "gone.yaml"}], "analyses[0].env: gone.yaml: no such file"),
        ([OWN | {"inputs": ["qcc"]}], "analyses[0].inputs: qcc is none of this project's analyses"),
        ([OWN | {"inputs": ["mine"]}], "analyses: mine wait for each other; take one out"),
        (
            [OWN | {"inputs": ["b"]}, {"name": "b", "script": "code/other.R", "inputs": ["mine"]}],
            "study.yaml: analyses: mine and b wait for each other; take one out of the other's",
        ),
        ([OWN | {"levle": "x"}], "analyses[0].levle: unknown key; did you mean level?"),
        ([OWN | {"level": "group"}], "analyses[0].level: 'group' is not known; use one of"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(lab: Path, analyses: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        read(lab, analyses)
    assert "\n" not in str(caught.value)


def test_only_what_is_analysed_can_be_pushed(lab: Path) -> None:
    assert read(lab, ["qc"], push={"derivatives": ["qc"]})
    with pytest.raises(ConfigError, match=r"push\.derivatives: glm is none of this project's"):
        read(lab, ["qc"], push={"derivatives": ["glm"]})


@pytest.mark.parametrize("changed", ["mine.py", "helper.py", "data.csv"])
def test_a_change_of_the_script_or_of_what_it_names_beside_it_is_another_job(
    lab: Path, changed: str
) -> None:
    (lab / "code" / "mine.py").write_text("import helper")
    (lab / "code" / "helper.py").write_text("TABLE = 'data.csv'")
    before = read(lab, [OWN])["mine"].definition(lab)
    (lab / "code" / "other.R").write_text("changed")
    assert read(lab, [OWN])["mine"].definition(lab) == before
    with (lab / "code" / changed).open("a") as stream:
        stream.write("\n# changed")
    assert read(lab, [OWN])["mine"].definition(lab) != before


def test_a_change_of_the_environment_or_the_params_is_another_job_and_one_of_the_rest_is_not(
    lab: Path,
) -> None:
    entry = OWN | {"env": "code/env.yaml"}
    before = read(lab, [entry])["mine"].definition(lab)
    assert read(lab, [entry | {"params": {"x": 1}}])["mine"].definition(lab) != before
    same = {"resources": {"threads": 2}, "description": "Another", "bidsignore": ["*.x"]}
    assert read(lab, ["qc", entry | same])["mine"].definition(lab) == before
    (lab / "code" / "env.yaml").write_text("dependencies: [r-base]")
    assert read(lab, [entry])["mine"].definition(lab) != before


def test_a_job_does_not_tell_where_the_checkout_lies(
    lab: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for name in ("coil", "another"):
        clone, work = (tmp_path_factory.mktemp("clones") / one for one in (name, "work"))
        shutil.copytree(lab, clone)
        for module in (reading, definitions):
            monkeypatch.setattr(module, "CHECKOUT", clone)
        (clone / "study.yaml").write_text(yaml.safe_dump({"project": "P", "bids": BIDS} | MINE))
        settings = read_project(clone / "study.yaml", "study.yaml")
        told.append(analyses_of(settings, "study.yaml", work)["mine"].definition(work))
    assert told[0] == told[1]
    assert (told[0].file, told[0].checkout) == ("code/mine.py", True)
