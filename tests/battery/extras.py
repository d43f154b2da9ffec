"""What the archive holds beside images, each with planted values: people, notes, files, forms."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment

from localxnat.testing import Server
from localxnat.tests.support import Raw
from tests.battery.plants import Plants

REDCAP = [
    [
        "Variable / Field Name", "Form Name", "Field Type", "Field Label",
        "Choices, Calculations, OR Slider Labels", "Text Validation Type OR Show Slider Number",
        "Text Validation Min", "Text Validation Max", "Identifier?",
    ],
    ["record_id", "visit", "text", "Record", "", "", "", "", ""],
    ["telephone", "visit", "text", "Telephone", "", "phone", "", "", "y"],
    ["remark", "visit", "notes", "Remark", "", "", "", "", ""],
    ["effort", "visit", "slider", "Effort", "easy | | hard", "", "0", "100", ""],
    ["filled_in", "visit", "text", "Day of the answers", "", "date_ymd", "", "", ""],
]  # fmt: skip


def write(folder: Path, plants: Plants, name: str) -> None:
    """The files of a session's resources, and what people wrote about it."""

    def put(path: str, text: str) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def word(what: str) -> str:
        return plants.word(f"{name} {what}")

    rows = [f"{onset}\t1\t{key}\t{word('event')}" for onset, key in ((0.5, "left"), (4, "right"))]
    stem = f"events/nback_{word('events file')}"
    put(f"{stem}.tsv", "\n".join(["onset\tduration\tkey\tnote", *rows]) + "\n")
    described = {"note": {"Description": word("events description")}}
    described[word("events column")] = {"Description": "of no column"}
    put(f"{stem}.json", json.dumps(described | {"by": {"Description": word("events json")}}))
    stem = f"behaviour/{word('behaviour file')}"
    put(f"{stem}.tsv", f"response_time\tanswer\n0.7\t{word('behaviour cell')}\n")
    put(f"{stem}.json", json.dumps({"answer": {"Description": word("behaviour json")}}))
    put(f"scans/{word('folder')}/{word('file')}.txt", word("scan resource"))
    put(f"notes/{word('resource file')}.txt", plants.phrase(f"{name} resource text"))
    rows = {
        "note": plants.phrase(f"{name} session note"),
        "scan note": plants.phrase(f"{name} scan note"),
        "scan type": word("scan type"),
        "operator": word("operator"),
        "acquisition_site": word("site"),
        "scanner": word("scanner"),
        "variables": {"arm": "drug", "rank": word("variable that is no number")}
        | {"diary": plants.phrase(f"{name} variable"), "phone": plants.number(f"{name} variable")},
        "session variables": {"sleep": "7", "log": plants.phrase(f"{name} session variable")},
        "demographics": {"yob": "1971", "gender": "female", "handedness": "left"}
        | {"education": "12", "race": word("race"), "ethnicity": word("ethnicity")},
        "subject fields": {"group": word("group"), "src": word("source")},
    }
    put("said.json", json.dumps(rows))


def note(folder: Path, labels: dict[str, str]) -> None:
    """Write down under which labels the archive has a session."""
    (folder / "labels.json").write_text(json.dumps(labels))


def put(server: Server, project: str, folder: Path) -> None:
    """Bring a session's files and what people wrote to the archive."""
    raw = Raw(server)
    labels, said = (json.loads((folder / f"{n}.json").read_text()) for n in ("labels", "said"))
    subject = f"/data/projects/{project}/subjects/{labels['subject']}"
    session = f"{subject}/experiments/{labels['session']}"

    def set_fields(path: str, **values: str) -> None:
        answer = raw("PUT", path, params=values)
        assert answer.ok, (path, answer.text)

    for kind, place, key in (
        ("subject", subject, "variables"),
        ("mrSession", session, "session variables"),
    ):
        for variable, value in said[key].items():
            path = f"xnat:{kind}Data/fields/field[name={variable}]/field"
            set_fields(place, **{path: value})
    set_fields(subject, **said["demographics"], **said["subject fields"])
    set_fields(session, **{key: said[key] for key in ("note", "operator", "acquisition_site")})
    set_fields(session, **{"xnat:mrSessionData/scanner": said["scanner"]})
    scans = [row["ID"] for row in raw.rows(f"{session}/scans")]
    scan = f"{session}/scans/{scans[0]}"
    set_fields(scan, **{"xnat:mrScanData/note": said["scan note"], "type": said["scan type"]})
    for path in sorted(p for p in folder.glob("*/**/*") if p.is_file()):
        label, _, name = path.relative_to(folder).as_posix().partition("/")
        owner = scan if label == "scans" else session
        upload(raw, owner, label, name, path.read_bytes())


def upload(raw: Raw, owner: str, label: str, name: str, data: bytes) -> None:
    """One file of a resource."""
    answer = raw("PUT", f"{owner}/resources/{label}/files/{name}", data=data)
    assert answer.ok, answer.text


def put_project(server: Server, project: str, folder: Path, plants: Plants) -> list[str]:
    """Questionnaires and the bidsmap of the project; the IDs that the archive gave."""
    raw = Raw(server)
    noted = [json.loads(path.read_text()) for path in sorted(folder.glob("*/*/labels.json"))]
    names = {labels["subject"]: labels["name"] for labels in noted}
    target = folder / "project" / "questionnaires"
    target.mkdir(parents=True)
    forms(target, list(names), plants)
    tell(target, names)
    for path in sorted(target.iterdir()):
        where = f"/data/projects/{project}"
        upload(raw, where, "questionnaires", path.name, path.read_bytes())
    text = "\n".join(path.read_text() for path in folder.glob("*/archive/said.json"))
    bidsmap = [{"pattern": "^run_classic", "suffix": "task-mapped_bold", "modality": "func"}]
    bidsmap += [{"series_description": w, "bidsname": ""} for w in re.findall("Zq[a-z]{8}", text)]
    where = f"/data/projects/{project}/config/bids/bidsmap?inbody=true"
    assert raw("PUT", where, data=json.dumps(bidsmap).encode()).ok
    rows = raw.rows(f"/data/projects/{project}/experiments")
    rows += raw.rows(f"/data/projects/{project}/subjects")
    return [row["ID"] for row in rows]


def tell(folder: Path, names: dict[str, str]) -> None:
    """Tables that speak of people by what only DICOM headers call them: by both names, by one."""
    for file, part in (("told", 2), ("hinted", 1)):
        lines = ["subject,said"]
        for subject, name in names.items():
            lines.append(f"{subject},I am {' '.join(name.split('^')[:part])} and fine")
        (folder / f"{file}.csv").write_text("\n".join(lines) + "\n")
    described = {"said": {"Description": "In their words", "Format": "string"}}
    (folder / "told.json").write_text(json.dumps(described))


def forms(folder: Path, subjects: list[str], plants: Plants) -> None:
    """A workbook with a hidden sheet, a table that is wrong in every cell, an export of REDCap."""
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["subject", "score", "remark"])
    for subject in subjects:
        sheet.append([subject, 3, plants.phrase("workbook cell")])
    sheet["B2"].comment = Comment(plants.phrase("workbook comment"), plants.word("comment author"))
    hidden: Any = book.create_sheet(plants.word("workbook sheet"))
    hidden.append([plants.phrase("workbook hidden cell")])
    hidden.sheet_state = "hidden"
    book.properties.creator = plants.word("workbook creator")
    book.save(folder / "mood.xlsx")
    described: dict[str, Any] = {"score": {"Description": "Score"}, "remark": {"Description": "r"}}
    (folder / "mood.json").write_text(json.dumps(described))
    column = plants.word("column of a wrong table")
    lines = [f"subject,score,{column}"]
    lines += [f"{s},{plants.word('wrong cell')},{plants.phrase('wrong cell')}" for s in subjects]
    lines.append(f"{plants.word('unknown subject')},1,2")
    (folder / "bad.csv").write_text("\n".join(lines) + "\n")
    (folder / "bad.json").write_text(json.dumps(described))
    rows = [["record_id", "telephone", "remark", "effort", "filled_in"]]
    for subject in subjects:
        phone, day = plants.number("REDCap telephone"), plants.day("REDCap date")
        moved = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        rows.append([subject, phone, plants.phrase("REDCap remark"), "40", moved])
    for name, table in (("redcap.csv", rows), ("redcap_dictionary.csv", REDCAP)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(table)
        (folder / name).write_text(text.getvalue())
