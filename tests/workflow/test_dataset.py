"""The dataset beyond images: what is wrong with a table, and several projects as one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from coil.files import read_json
from localxnat.testing import import_dicom
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow

OTHER = {
    "project": "OTHER",
    "bids": {
        "name": "Another site",
        "license": "CC0",
        "mapping": [
            {"match": {"series_description": "se_epi_(?P<dir>..)"}, "to": "fmap/epi"}
            | {"entities": {"dir": "{dir}"}}
        ],
    },
}
BOTH = {
    "name": "both",
    "projects": ["study", "other"],
    "site": "entity",
    "sites": {"study": "Gloam"},
}
BOTH |= {"bids": {"name": "Two sites", "authors": ["A. Simulator", "B. Phantom"]}}


@pytest.fixture(scope="module")
def clinic(
    first_run: tuple[Lab, Run], study: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, Run]]:
    """A finished lab, with a second project to merge, whose tables of people got mistakes."""
    lab = first_run[0].copy(tmp_path_factory.mktemp("clinic") / "lab")
    series = next((study / "dicom").glob("*/*/*se_epi_AP*"))
    import_dicom(lab.archive, "OTHER", "guest", "guest_1", series)
    (lab.work / "other.yaml").write_text(yaml.safe_dump(OTHER))
    config = {"projects": ["study.yaml", "other.yaml"], "merged": [BOTH]}
    (lab.work / "config.yaml").write_text(yaml.safe_dump(config))
    with lab.open() as server:
        login = (server.user, server.password)
        place = f"{server.url}/data/projects/DEMO"
        file = f"{place}/resources/questionnaires/files/phq9.csv"
        text = requests.get(file, auth=login, timeout=20).text
        head, first, *others = text.splitlines()
        wrong = "\n".join([head, f"{first.rpartition(',')[0]},lots", *others, ""])
        assert requests.put(f"{file}?overwrite=true", wrong, auth=login, timeout=20).ok
        subject = (study / "dicom" / "x").parent.glob("D02_*")
        field = "xnat:subjectData/fields/field[name=plays_instrument]/field"
        person = f"{place}/subjects/{next(subject).name}?{field}=sometimes"
        assert requests.put(person, auth=login, timeout=20).ok
        yield lab, lab.snakemake()


def test_a_broken_questionnaire_is_left_out_and_everything_else_is_written(
    clinic: tuple[Lab, Run],
) -> None:
    lab, run = clinic
    assert run.status == 0, run.output
    assert run.jobs["pull"] == 1  # the other project's session
    bids = lab.results / "bids"
    assert not (bids / "phenotype/phq9.tsv").exists()
    assert (bids / "phenotype/tapping_visit_1_arm_1.tsv").is_file()
    reason = "phenotype/phq9: phq9.csv: row 2, column phq9_total: is text"
    assert f"  left out   {reason}" in run.output
    log = (lab.work / "logs/study/dataset.log").read_text()
    assert "phq9.csv: row 2, column phq9_total: is text" in log
    assert "phq9.csv: row 2, column phq9_total" in (lab.results / "reports/index.html").read_text()
    assert read_json(lab.results / "validation.json")["errors"] == 0


def test_a_custom_variable_outside_its_levels_names_the_participant(
    clinic: tuple[Lab, Run],
) -> None:
    lab, run = clinic
    header = (lab.results / "bids/participants.tsv").read_text().splitlines()[0]
    assert header.split("\t")[-1] == "education"
    (subject,) = [
        unit.split("_")[0]
        for unit in lab.units()
        if f"{unit.split('_')[0]}, column musician: is not one of its levels" in run.output
    ]
    assert subject in (lab.results / "bids/participants.tsv").read_text()
    assert "sometimes" not in run.output


def test_two_projects_are_merged_and_the_whole_is_valid(clinic: tuple[Lab, Run]) -> None:
    lab, run = clinic
    both = lab.work / "results/both"
    verdict = read_json(both / "validation.json")
    assert verdict["errors"] == 0, verdict["issues"]
    assert "both: 3 sessions of 3 participants merged from other, study" in run.output
    _, *rows = (both / "bids/participants.tsv").read_text().splitlines()
    sites = [(row.split("\t")[0][4:9], row.split("\t")[1]) for row in rows]
    assert sites == [("Gloam", "Gloam"), ("Gloam", "Gloam"), ("other", "other")]
    for image in (lab.results / "bids").rglob("*.nii.gz"):
        name = str(image.relative_to(lab.results / "bids")).replace("sub-", "sub-Gloam")
        assert (both / "bids" / name).samefile(image)


def test_nothing_is_done_again(clinic: tuple[Lab, Run]) -> None:
    again = clinic[0].snakemake()
    assert not again.jobs, again.output


def test_the_copies_of_the_config_name_neither_archive_nor_people(clinic: tuple[Lab, Run]) -> None:
    lab, _ = clinic
    assert lab.server
    for name in ("study/bids/code/coil.yaml", "both/bids/code/study.yaml"):
        text = (lab.work / "results" / name).read_text()
        for secret in ("DEMO", lab.server.url, "questionnaires", "record_id", "_V1"):
            assert secret not in text
