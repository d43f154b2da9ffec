"""What a dataset says of itself, and that the validator takes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from coil.bids.dataset import description
from coil.bids.dataset.dataset import Shared, Tables, write_dataset
from coil.bids.dataset.shared_config import allowed, write_config
from coil.bids.validate import validate
from coil.config.reading import read_project
from coil.deid.identity.identities import Link
from coil.deid.leak.dataset import Guard
from coil.errors import ConfigError, DataError
from coil.files import read_json
from tests.support.archive_records import archive_at
from tests.support.session_records import record
from tests.unit.bids.dataset.test_dataset import LINKS, PEOPLE, session

AUTHORS = ["Lab of Things", {"family": "Author", "given": "B.", "orcid": "0000-0002-1825-0097"}]
REFERENCE = {"title": "On tapping", "authors": ["A. Author"], "doi": "10.1000/tap"}
RELEASES = [
    {"version": "1.0.0", "date": "2024-05-01", "changes": ["First release"]},
    {"version": "1.1.0", "date": "2025-01-31", "changes": ["More people", "A second\n task"]},
]
ABOUT: dict[str, Any] = {
    "name": "Tapping",
    "authors": AUTHORS,
    "license": "CC0",
    "readme": "People tap.",
    "keywords": ["tapping"],
    "acknowledgements": "The tappers",
    "funding": ["Grant 12"],
    "ethics_approvals": ["Committee of Gloamwick, 34/5"],
    "references": [REFERENCE],
    "doi": "10.1000/data",
    "source_datasets": [{"doi": "10.1000/source", "version": "2"}],
    "releases": RELEASES,
    "genetics": {
        "dataset": "https://www.ncbi.nlm.nih.gov/gap/1",
        "database": "https://www.ncbi.nlm.nih.gov/gap",
        "descriptors": ["doi:10.1000/genes"],
        "info": {"genetic_level": ["Genomic"], "sample_origin": "blood"},
    },
    "bidsignore": ["extra/"],
}
GUARD = Guard(LINKS, archive_at("https://xnat.hospital.org", "SECRETSTUDY"))
MADE = description.generated_by([record(versions={"dcm2niix": "v1.0"})], {"mapping": "abc"})


def write(bids: Path, **about: Any) -> dict[str, Any]:
    shared = Shared(ABOUT | about, MADE, Tables(PEOPLE), GUARD)
    write_dataset(bids, [session(bids, "A", "1")], shared)
    return read_json(bids / "dataset_description.json")


def test_everything_is_told_and_valid(tmp_path: Path) -> None:
    told = write(tmp_path)
    assert told["Authors"] == ["Lab of Things", "B. Author"]
    assert told["ReferencesAndLinks"] == ["A. Author. On tapping. 10.1000/tap"]
    assert told["SourceDatasets"] == [{"DOI": "10.1000/source", "Version": "2"}]
    assert told["Genetics"]["Descriptors"] == ["doi:10.1000/genes"]
    assert told["EthicsApprovals"] == ["Committee of Gloamwick, 34/5"]
    assert read_json(tmp_path / "genetic_info.json") == {
        "GeneticLevel": ["Genomic"],
        "SampleOrigin": "blood",
    }
    assert (tmp_path / ".bidsignore").read_text() == "extra/\n"
    verdict = validate(tmp_path)
    told_of = {issue.code for issue in verdict.issues if "RECOMMENDED" not in issue.code}
    assert not told_of


def test_changes_have_an_entry_a_release_the_newest_first() -> None:
    assert description.changes(RELEASES) == (
        "1.1.0 2025-01-31\n  - More people\n  - A second task\n\n"
        "1.0.0 2024-05-01\n  - First release\n"
    )


def test_what_the_citation_tells_is_told_there_alone(tmp_path: Path) -> None:
    told = write(tmp_path, citation={"message": "Cite it."})
    assert not {"Authors", "License", "HowToAcknowledge", "ReferencesAndLinks"} & set(told)
    cited = yaml.safe_load((tmp_path / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited["authors"][1] == {
        "family-names": "Author",
        "given-names": "B.",
        "orcid": "https://orcid.org/0000-0002-1825-0097",
    }
    assert (cited["license"], cited["version"]) == ("CC0-1.0", "1.1.0")
    assert cited["references"][0]["authors"] == [{"name": "A. Author"}]
    verdict = validate(tmp_path)
    told_of = {issue.code for issue in verdict.issues if "RECOMMENDED" not in issue.code}
    # The validator counts the authors in dataset_description.json, where BIDS forbids them then.
    assert told_of == {"TOO_FEW_AUTHORS"}


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"license": "as you like"}, "bids.license: as you like is not SPDX's name"),
        ({"authors": []}, "bids.citation: needs bids.authors"),
        ({"references": ["a link"]}, "bids.references: CITATION.cff needs title and authors"),
    ],
)
def test_a_citation_that_would_not_be_valid_is_refused(about: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        description.citation(ABOUT | about | {"citation": {"message": "Cite it."}})


def test_what_the_config_no_longer_asks_for_is_taken_out(tmp_path: Path) -> None:
    write(tmp_path, citation={"message": "Cite it."})
    guarded = {"releases": [], "genetics": {}, "bidsignore": []}
    about = {key: value for key, value in ABOUT.items() if key not in guarded}
    write_dataset(tmp_path, [], Shared(about, MADE, Tables(), GUARD))
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {"CHANGES", "CITATION.cff", ".bidsignore", "genetic_info.json"}


def test_generated_by_names_tools_digests_and_the_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COIL_CONTAINER", "docker://ghcr.io/lab/coil:1.2")
    used = ({"dcm2niix": "2"}, {"dcm2niix": "1", "heudiconv": "3"})
    records = [record(versions=versions) for versions in used]
    coil, *tools = description.generated_by(records, {"mapping": "abc", "code": "d"})
    assert str(coil["Description"]).endswith("mapping abc; code d")
    assert coil["Container"] == {"Type": "docker", "Tag": "ghcr.io/lab/coil:1.2"}
    assert tools == [
        {"Name": "dcm2niix", "Version": "1, 2"},
        {"Name": "heudiconv", "Version": "3"},
    ]


def test_a_container_tells_its_name_and_not_its_folder() -> None:
    told = description.container_of({"APPTAINER_NAME": "/home/jane/coil.sif"})
    assert told == {"Type": "apptainer", "Tag": "coil.sif"}
    assert description.container_of({}) is None


SETTINGS = """\
project: SECRETSTUDY
archive: {server: https://xnat.hospital.org}
select: {subjects: [D01_Quillfeather], after: 2024-01-31}
identity: {secret_file: /home/jane/secret}
bids:
  name: Tapping
  mapping:
    - {match: {series_description: t1, note: Jane, not: {model: Y}}, to: anat/T1w}
    - {use: /home/jane/heuristic.py}
phenotype:
  - {instrument: phq9, resource: jane, file: jane.csv, dictionary: jane.json}
"""


def test_the_copy_of_the_config_holds_what_made_the_dataset_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "study.yaml").write_text(SETTINGS)
    settings = read_project(tmp_path / "study.yaml", "study.yaml")
    write_config(tmp_path / "bids", settings, GUARD)
    text = (tmp_path / "bids/code/coil.yaml").read_text()
    assert not [word for word in ("SECRET", "hospital", "Quill", "2024", "ane") if word in text]
    copy = yaml.safe_load(text)
    assert copy["bids"]["mapping"] == [
        {"match": {"series_description": "t1", "not": {"model": "Y"}}, "to": "anat/T1w"},
        {"use": "heuristic.py"},
    ]
    assert copy["phenotype"] == [{"instrument": "phq9", "per": "subject"}]
    assert copy == allowed(settings)


def test_a_copy_that_holds_a_label_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the config holds a label of a subject"):
        write_config(tmp_path, {"bids": {"name": "of D01_Quillfeather"}}, GUARD)
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_readme_that_holds_a_label_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bids: a text of it holds a label of a session"):
        write(tmp_path, readme="as in Brambleshaw_V1")
    assert not (tmp_path / "README").exists()


def test_labels_that_the_lab_vouches_for_may_be_told() -> None:
    links = [Link("S1", "E1", "pilot07", "visit1", "pilot07", "visit1")]
    guard = Guard(links, archive_at("https://xnat.hospital.org", "P1234"))
    assert guard.kind("sub-pilot07_ses-visit1") is None
    assert guard.kind("asked by xnat.hospital.org") == "server"


def test_a_study_may_be_called_as_its_project_is_in_the_archive() -> None:
    archive = archive_at(project="TAPPING")
    assert Guard([], archive, ["Tapping in a scanner"]).kind("the tapping study") is None
    assert Guard([], archive).kind("the TAPPING study") == "project"
