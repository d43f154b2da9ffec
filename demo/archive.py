"""Beside the images, the archive holds demographics, notes, a questionnaire and task events."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from demo import protocol
from demo.people import Person, Visit
from demo.session import Session

_ITEMS = [
    "Little interest or pleasure in doing things",
    "Feeling down, depressed or hopeless",
    "Trouble falling or staying asleep, or sleeping too much",
    "Feeling tired or having little energy",
    "Poor appetite or overeating",
    "Feeling bad about oneself",
    "Trouble concentrating",
    "Moving or speaking slowly, or being restless",
    "Thoughts of being better off dead or of self-harm",
]
_REDCAP = [
    [
        "Variable / Field Name", "Form Name", "Field Type", "Field Label",
        "Choices, Calculations, OR Slider Labels", "Text Validation Type OR Show Slider Number",
        "Text Validation Min", "Text Validation Max", "Identifier?",
    ],
    ["record_id", "tapping", "text", "Record", "", "", "", "", ""],
    ["telephone", "tapping", "text", "Telephone", "", "phone", "", "", "y"],
    ["effort", "tapping", "slider", "How hard was it?", "easy | | hard", "", "0", "100", ""],
    ["boring", "tapping", "radio", "Was it boring?", "0, No | 1, Yes", "", "", "", ""],
    ["filled_in", "tapping", "text", "Day of the answers", "", "date_ymd", "", "", ""],
]  # fmt: skip
_LEVELS = {
    "0": "Not at all",
    "1": "Several days",
    "2": "More than half the days",
    "3": "Nearly every day",
}


@dataclass(frozen=True)
class ScanNote:
    """A note on the last scan of a description."""

    series_description: str
    note: str


@dataclass(frozen=True)
class SessionEntry:
    """The custom variables and notes of one session; `date` is when it was."""

    label: str
    fields: dict[str, str]
    date: str
    note: str
    scan_note: ScanNote


@dataclass(frozen=True)
class SubjectEntry:
    """The demographics and custom variables of one subject, and its sessions."""

    label: str
    gender: str
    yob: int
    handedness: str
    education: int
    fields: dict[str, str]
    sessions: list[SessionEntry]


@dataclass(frozen=True)
class Description:
    """All that is to be set in the archive: the file `archive.json` of a study."""

    project: str
    subjects: list[SubjectEntry]

    def write(self, path: Path) -> None:
        """Write it where a study has it."""
        write_json(path, asdict(self))


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_questionnaire(folder: Path, everyone: list[Person], seed: int) -> None:
    """Write phq9.csv, one row a subject by the archive's label, and its dictionary phq9.json."""
    columns = [f"phq9_{i + 1}" for i in range(len(_ITEMS))]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["subject", *columns, "phq9_total"])
    for person in everyone:
        rng = np.random.default_rng([seed, person.number, 9])
        answers = rng.choice(4, len(columns), p=[0.5, 0.3, 0.15, 0.05]).tolist()
        if person.number == 2:  # left one question out, so has no total
            table.writerow([person.label, *answers[:3], "", *answers[4:], ""])
        else:
            table.writerow([person.label, *answers, sum(answers)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "phq9.csv").write_text(text.getvalue())
    dictionary: dict[str, object] = {
        "MeasurementToolMetadata": {
            "Description": "Patient Health Questionnaire, nine items, over the last two weeks"
        }
    }
    for column, item in zip(columns, _ITEMS, strict=True):
        dictionary[column] = {"Description": item, "Levels": _LEVELS}
    dictionary["phq9_total"] = {"Description": "Sum of the nine items, 0 to 27"}
    write_json(folder / "phq9.json", dictionary)


def write_redcap(folder: Path, visits: list[Visit], seed: int) -> None:
    """Write REDCap's raw export of a form filled in at each visit, and its data dictionary."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["record_id", "redcap_event_name", "telephone", "effort", "boring", "filled_in"])
    for visit in visits:
        rng = np.random.default_rng([seed, visit.person.number, visit.number, 21])
        event = f"visit_{visit.number}_arm_1"
        phone = f"+00 5550 {visit.person.number}4{visit.number}7"
        answers = [int(rng.integers(0, 101)), int(rng.integers(0, 2))]
        table.writerow([visit.person.label, event, phone, *answers, f"{visit.start:%Y-%m-%d}"])
    (folder / "redcap.csv").write_text(text.getvalue())
    dictionary = io.StringIO()
    table = csv.writer(dictionary, lineterminator="\n")
    table.writerows(_REDCAP)
    (folder / "redcap_dictionary.csv").write_text(dictionary.getvalue())


def write_events(folder: Path, session: Session) -> None:
    """Write the task's blocks as the stimulus computer logged them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["onset\tduration\ttrial_type"]
    rows += [f"{e.onset:.1f}\t{e.duration:.1f}\t{e.trial_type}" for e in session.events]
    (folder / f"{protocol.TASK}.tsv").write_text("\n".join(rows) + "\n")


def subject_entry(person: Person, visits: list[Visit]) -> SubjectEntry:
    """The entry of a subject, with one of a session for each visit."""
    return SubjectEntry(
        person.label,
        person.sex,
        person.birth_year,
        person.handedness,
        person.education,
        {"plays_instrument": "yes" if person.number % 2 else "no"},
        [_session_entry(visit) for visit in visits],
    )


def _session_entry(visit: Visit) -> SessionEntry:
    return SessionEntry(
        visit.label,
        {"hours_slept": str(5 + (visit.person.number + visit.number) % 4)},
        f"{visit.start:%Y-%m-%d}",
        visit.note,
        ScanNote(protocol.BOLD, visit.scan_note),
    )
