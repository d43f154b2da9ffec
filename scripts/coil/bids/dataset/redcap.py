"""REDCap's data dictionary: what the columns of a raw export mean, in BIDS's words.

The dictionary is the CSV that a project's designer downloads (or the API's `metadata`, whose
columns have other names); the export is raw, so that choices are codes.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coil.bids.dataset.columns import EMPTY, Column
from coil.bids.dataset.spreadsheets import Sheet, read_sheet
from coil.errors import DataError

EVENT = "redcap_event_name"
_REPEAT = "redcap_repeat_instrument"
# Columns by what both kinds of dictionary call them.
_NAMES = {
    "name": ("Variable / Field Name", "field_name"),
    "form": ("Form Name", "form_name"),
    "kind": ("Field Type", "field_type"),
    "label": ("Field Label", "field_label"),
    "choices": (
        "Choices, Calculations, OR Slider Labels",
        "Choices OR Calculations",
        "select_choices_or_calculations",
    ),
    "note": ("Field Note", "field_note"),
    "validation": (
        "Text Validation Type OR Show Slider Number",
        "text_validation_type_or_show_slider_number",
    ),
    "least": ("Text Validation Min", "text_validation_min"),
    "most": ("Text Validation Max", "text_validation_max"),
    "identifier": ("Identifier?", "identifier"),
}
_NEEDED = ("name", "form", "kind", "label")
_CHOSEN = ("radio", "dropdown")
_NO_COLUMN = ("descriptive", "file")  # text on the page; an upload, whose name may tell anything
_YES_NO = {"yesno": ("No", "Yes"), "truefalse": ("False", "True")}
_STATUS = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_IDENTIFYING = re.compile("email|phone|zipcode|postalcode|ssn|mrn")


@dataclass(frozen=True)
class Form:
    """One form of a REDCap project: its columns that leave, and what is known of the rest.

    `others` are the columns of an export that belong elsewhere: other forms, REDCap itself.
    """

    columns: list[Column]
    others: frozenset[str]

    def rows(self, sheet: Sheet, form: str) -> list[tuple[int, list[str]]]:
        """The rows of an export that have something of this form.

        An export has a row for each event and each repetition of any form; where a form was
        not filled in, its boxes and its status are 0 and all else is empty.
        """
        ours = {column.name for column in self.columns}
        blank = {
            place: EMPTY | {"0"} if "___" in name or name == f"{form}_complete" else EMPTY
            for place, name in enumerate(sheet.header)
            if name in ours
        }
        repeat = sheet.header.index(_REPEAT) if _REPEAT in sheet.header else None
        return [
            (number, row)
            for number, row in sheet.rows
            if any(place < len(row) and row[place].strip() not in blank[place] for place in blank)
            and (repeat is None or repeat >= len(row) or row[repeat].strip() in ("", form))
        ]


def read_form(
    path: Path, form: str, omit: Collection[str], strings: Collection[str], identifiers: str
) -> Form:
    """The columns of one form by REDCap's data dictionary.

    `omit` names fields that stay behind, `strings` those whose free text may leave;
    `identifiers` is what becomes of fields that REDCap flags so: `refuse` or `omit`.

    Raises DataError if the dictionary cannot be used, has no such form, or flags an identifier.
    """
    fields = _read(path)
    ours = [field for field in fields if field["form"] == form]
    if not ours:
        raise DataError(f"{path.name}: has no form {form}; correct `form` in the config")
    key = fields[0]["name"]  # REDCap's first field is the record's
    columns: list[Column] = []
    for field in ours:
        name, kind = field["name"], field["kind"]
        if name == key or name in omit or kind in _NO_COLUMN:
            continue
        flagged = field["identifier"].lower() in ("y", "yes", "1")
        if flagged or _IDENTIFYING.search(field["validation"]):
            if identifiers == "omit":
                continue
            raise DataError(
                f"{path.name}: the field {name} is an identifier; leave it out by `omit`, or "
                "write `identifiers: omit`"
            )
        columns += _columns(field, path.name, name in strings)
    status = f"{form}_complete"
    if status not in omit:
        note = {"Description": f"Status of the form {form}", "Levels": _STATUS}
        columns.append(Column.described(status, note))
    forms = {field["form"] for field in fields}
    own = [EVENT, _REPEAT, "redcap_repeat_instance", "redcap_data_access_group"]
    own += ["redcap_survey_identifier"]
    own += [f"{one}_{end}" for one in forms for end in ("complete", "timestamp")]
    left = {field["name"] for field in fields} | {*own} - {status}
    boxes = {b for f in fields if f["kind"] == "checkbox" for b in _boxes(f, path.name)}
    kept = {column.name for column in columns}
    return Form(columns, frozenset((left | boxes | {status}) - kept))


def _read(path: Path) -> list[dict[str, str]]:
    sheet = read_sheet(path)
    place = {
        key: sheet.header.index(name)
        for key, names in _NAMES.items()
        for name in names
        if name in sheet.header
    }
    if missing := [key for key in _NEEDED if key not in place]:
        raise DataError(
            f"{path.name}: has no column {_NAMES[missing[0]][0]}; download REDCap's data "
            "dictionary as CSV"
        )
    return [
        {key: row[place[key]].strip() if key in place else "" for key in _NAMES}
        for _, row in sheet.rows
        if len(row) == len(sheet.header)
    ]


def _columns(field: Mapping[str, str], file: str, string: bool) -> Iterable[Column]:
    """The columns that a field has in a raw export: one, or one a box of a checkbox."""
    name, kind = field["name"], field["kind"]
    described: dict[str, object] = {"Description": _plain(field["label"]) or name}
    if kind == "checkbox":
        for box, choice in _boxes(field, file).items():
            note = {"Description": f"{described['Description']}: {choice}"}
            yield Column.described(box, note | {"Levels": {"0": "Unchecked", "1": "Checked"}})
        return
    if kind in _CHOSEN:
        described["Levels"] = _choices(field, file)
    elif kind in _YES_NO:
        described["Levels"] = dict(zip(("0", "1"), _YES_NO[kind], strict=True))
    elif kind in ("text", "notes") and (form := _format(field["validation"])) != "number":
        described["Format"] = "string" if form is None and string else form or "number"
    if kind == "slider":  # the bounds of texts only warn who fills them in
        for key, bound in (("Minimum", "least"), ("Maximum", "most")):
            if (number := _bound(field[bound])) is not None:
                described[key] = number
    yield Column.described(name, described)


def _format(validation: str) -> str | None:
    """BIDS's format for a text validation; None for free text."""
    for start, form in (("date", "date"), ("time", "time"), ("integer", "integer")):
        if validation.startswith(start):
            return form
    return "number" if validation.startswith("number") else None


def _choices(field: Mapping[str, str], file: str) -> dict[str, str]:
    """`1, Not at all | 2, Often` as codes and meanings."""
    pairs = [part.partition(",") for part in field["choices"].split("|") if part.strip()]
    if not pairs or not all(comma for _, comma, _ in pairs):
        raise DataError(f"{file}: the choices of the field {field['name']} cannot be read")
    return {code.strip(): _plain(text) for code, _, text in pairs}


def _boxes(field: Mapping[str, str], file: str) -> dict[str, str]:
    """The columns of a checkbox, `field___code`, and what each box says."""
    return {
        f"{field['name']}___{re.sub(r'[^a-z0-9]', '_', code.lower())}": text
        for code, text in _choices(field, file).items()
    }


def _bound(text: str) -> float | int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _plain(text: str) -> str:
    """A label without HTML, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())
