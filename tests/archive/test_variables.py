"""Custom variables, demographics and assessors, as a live archive lists them."""

from pathlib import Path
from typing import Any

import pytest

from coil import files
from coil.bids.dataset.people import People
from coil.bids.dataset.questionnaires import read_instrument
from coil.records.subjects import SubjectsRecord
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]

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


NAMES = ("Größe in cm", "my mood", "site")


def set_variables(study: Study, path: str, kind: str, **values: str) -> None:
    for name, value in values.items():
        study.put(path, None, **{VARIABLE.format(kind, name): value})


def columns_of(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [column(f"c{number}", field=name) for number, name in enumerate(names)]


def test_variables_of_several_names_land_in_their_own_columns(study: Study) -> None:
    given = {
        "A": {"Größe in cm": "180", "my mood": "gut, müde", "site": "Köln"},
        "B": {"site": "Ulm", "other": "secret"},
        "C": {},
    }
    for subject, values in given.items():
        session = study.session(f"{subject}_1", subject=subject)
        home = f"/data/projects/{study.project}/subjects/{subject}"
        set_variables(study, home, "subject", **values)
        set_variables(study, session, "mrSession", **{k: f"{v}!" for k, v in values.items()})
    columns = columns_of(NAMES)
    found = known(study, participants=columns, sessions=columns)["linked"].values()
    for person in found:
        wanted = {name: given[person["archive_label"]].get(name) for name in NAMES}
        wanted = {name: value for name, value in wanted.items() if value}
        assert person["fields"] == wanted
        (session,) = person["sessions"].values()
        assert session["fields"] == {name: f"{value}!" for name, value in wanted.items()}


def test_the_variables_of_an_assessor_land_in_their_own_columns(study: Study) -> None:
    kind = "xnat:subjectVariablesData"
    path = "variables/variable[name={}]/variable"
    for subject, values in {"A": {"mood": "good", "my sleep": "7"}, "B": {"mood": "bad"}}.items():
        study.session(f"{subject}_1", subject=subject)
        home = f"/data/projects/{study.project}/subjects/{subject}/experiments/{subject}_v"
        about = {f"{kind}/{path.format(name)}": value for name, value in values.items()}
        study.put(home, None, xsiType=kind, **about)
    columns = columns_of((path.format("my sleep"), path.format("mood")))
    entry = {"instrument": "v", "assessor": kind, "per": "subject", "columns": columns}
    rows = known(study, phenotype=[entry])["measured"]["v"]
    by_subject = {row["subject"]: {*row["values"].values()} for row in rows}
    assert by_subject == {"A": {"good", "7"}, "B": {"bad"}}
    assert [row["values"].get(path.format("mood")) for row in rows] == ["good", "bad"]


def set_form(study: Study, path: str, **values: Any) -> None:
    answer = study.raw("PUT", f"/xapi/custom-fields/{path}/fields", json={"f1": values})
    assert answer.ok, answer.text


@pytest.mark.parametrize("listed", [True, False])
def test_what_custom_forms_hold_comes_too_also_where_the_archive_does_not_list_it(
    study: Study, listed: bool
) -> None:
    session = Path(study.session("A_1")).name
    study.session("B_1", subject="B")
    home = f"projects/{study.project}/subjects/A"
    set_form(study, home, **{"arm": "Plazebo", "visits": 3, "consent": True})
    set_form(study, f"{home}/experiments/{session}", sleep="7.5")
    if not listed:
        refused = {"path": "columns=.*custom_fields", "times": 0, "fault": {"status": 500}}
        study.server.faults(refused)
    before = len(study.server.requests())
    found = known(
        study,
        participants=columns_of(("forms/arm", "forms/visits", "forms/f1/consent")),
        sessions=columns_of(("forms/sleep",)),
    )
    alone = [one for one in study.server.requests()[before:] if "/xapi/custom-fields" in one]
    assert len(alone) == (0 if listed else 4)  # two subjects, two sessions
    people = {one["archive_label"]: one for one in found["linked"].values()}
    assert people["A"]["fields"] == {
        "forms/arm": "Plazebo",
        "forms/visits": "3",
        "forms/f1/consent": "true",
    }
    assert [one["fields"] for one in people["A"]["sessions"].values()] == [{"forms/sleep": "7.5"}]
    assert people["B"]["fields"] == {}
    assert "without" not in str(study.discover())


def test_forms_that_the_archive_does_not_have_at_all_are_said_to_lack(study: Study) -> None:
    study.session("A_1")
    refused = {"path": "columns=.*custom_fields", "times": 0, "fault": {"status": 500}}
    unknown = {"path": "/xapi/custom-fields", "times": 0, "fault": {"status": 404}}
    study.server.faults(refused, unknown)
    people = known(
        study, participants=columns_of(("forms/arm",)), sessions=columns_of(("forms/sleep",))
    )
    assert [one["fields"] for one in people["linked"].values()] == [{}]
    told = str(study.discover())
    for owners in ("subjects", "sessions"):
        assert f"custom forms of the {owners}: the archive does not know or refuses them" in told


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
    columns = [column("mood", field=field, levels={"good": "Good"})]
    entry = {"instrument": "mood", "assessor": kind, "per": per, "columns": columns}
    found = known(study, phenotype=[entry])
    subjects = SubjectsRecord.from_fields(found)
    people = People.of(subjects)
    (instrument,) = read_instrument(entry, study.work, subjects.measured, people)
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
    told = "the archive refuses to list the assessors of iq, of type lab:iqData: it does not know"
    assert told in str(study.discover())


def test_a_questionnaire_that_is_not_there_holds_up_nothing(study: Study) -> None:
    study.session("A_1")
    entry = {"instrument": "phq9", "resource": "q", "file": "x.csv", "dictionary": "x.json"}
    known(study, phenotype=[entry])
    assert list(study.units()) == ["A_1"]
    assert files.read_json(study.private / "phenotype.json")["files"] == []
