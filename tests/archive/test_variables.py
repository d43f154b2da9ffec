"""Custom variables, demographics and assessors, as a live archive lists them."""

from typing import Any

import pytest
from discover_support import Study

from coil import files
from coil.bids.dataset.people import People
from coil.bids.dataset.questionnaires import read_instrument

pytest_plugins = ["discover_support"]

VARIABLE = "xnat:{}Data/fields/field[name={}]/field"


def known(study: Study, **settings: Any) -> dict[str, Any]:
    study.settings = settings
    study.discover()
    return files.read_json(study.private / "subjects.json")


def column(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": name, "format": "string", **more}


def test_chosen_variables_come_by_pseudonym_and_others_stay(study: Study) -> None:
    session = study.session("A_1")
    subject = f"/data/projects/{study.project}/subjects/A"
    for name in ("Arm", "secret"):
        study.put(subject, None, **{VARIABLE.format("subject", name): "drug"})
    study.put(subject, None, education="12")
    study.put(session, None, **{VARIABLE.format("mrSession", "sleep"): "7"})
    found = known(
        study,
        participants=[column("arm", field="Arm"), column("edu", field="demographics/education")],
        sessions=[column("sleep")],
    )
    (person,) = found["linked"].values()
    assert person["fields"] == {"Arm": "drug", "demographics/education": "12"}
    assert [one["fields"] for one in person["sessions"].values()] == [{"sleep": "7"}]


def test_variables_take_one_request_for_subjects_and_one_for_sessions(study: Study) -> None:
    study.session("A_1")
    known(study, participants=[column("arm"), column("hand")], sessions=[column("sleep")])
    subjects = f"/data/projects/{study.project}/subjects"
    assert sorted(study.asked()) == [study.listing, study.listing, subjects]


@pytest.mark.parametrize("per", ["subject", "session"])
def test_an_assessor_becomes_an_instrument(study: Study, per: str) -> None:
    session = study.session("A_1", date="2024-05-01")
    if per == "subject":
        kind, field = "xnat:subjectVariablesData", "variables/variable[name=mood]/variable"
        study.put(
            f"/data/projects/{study.project}/subjects/A/experiments/A_mood",
            None,
            xsiType=kind,
            **{f"{kind}/{field}": "good"},
        )
    else:
        kind, field = "xnat:qcManualAssessorData", "rater"
        about = {"xsiType": kind, "project": study.project, f"{kind}/{field}": "good"}
        study.put(f"{session}/assessors/A_qc", None, **about)
    entry = {"instrument": "mood", "assessor": kind, "per": per}
    entry["columns"] = [column("mood", field=field, levels={"good": "Good"})]
    found = known(study, phenotype=[entry])
    people = People.noted(found)
    (instrument,) = read_instrument(entry, study.work, found["measured"], people)
    ((participant, *cells),) = instrument.rows
    assert participant == f"sub-{next(iter(found['linked']))}"
    label = f"ses-{next(iter(next(iter(found['linked'].values()))['sessions']))}"
    assert cells == (["good"] if per == "subject" else [label, "good"])


def test_a_type_that_the_archive_does_not_have_holds_up_nothing(study: Study) -> None:
    study.session("A_1")
    entry = {"instrument": "iq", "assessor": "lab:iqData", "columns": [column("iq")]}
    found = known(study, phenotype=[entry])
    assert list(study.units()) == ["A_1"]
    assert not found["measured"]["iq"]


def test_a_questionnaire_that_is_not_there_holds_up_nothing(study: Study) -> None:
    study.session("A_1")
    entry = {"instrument": "phq9", "resource": "q", "file": "x.csv", "dictionary": "x.json"}
    known(study, phenotype=[entry])
    assert list(study.units()) == ["A_1"]
    assert files.read_json(study.private / "phenotype.json")["files"] == []
