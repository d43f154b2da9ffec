"""Custom variables and custom forms: which there are, and which of the config's there are not."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from coil.archive.client import Archive, part
from coil.archive.discover import variables
from coil.archive.fields import FORMS, folded
from coil.doctor.findings import LIMIT, OK, Finding
from coil.doctor.survey import EXAMPLES, Surveyed
from coil.errors import ArchiveError
from coil.words import plural

_NAMES = {
    "subject": ("subjects", {}, "xnat:subjectData/fields/field/name"),
    "session": (
        "experiments",
        {"xsiType": "xnat:imageSessionData"},
        "xnat:imageSessionData/fields/field/name",
    ),
}


def look(project: Surveyed, archive: Archive) -> Iterator[Finding]:
    """How many variables and fields of forms there are, and those of the config that lack."""
    filled = {per: _variables(archive, project.id, per) for per in _NAMES}
    forms = {per: _forms(archive, project, per) for per in _NAMES}
    numbers = [
        f"{'refused' if (one := filled[per]) is None else len(one)} of {per}s" for per in _NAMES
    ]
    numbers.append(plural(len(set().union(*forms.values())), "field of forms", "fields of forms"))
    names = set().union(*forms.values(), *filter(None, filled.values()))
    yield project.finding("variables", OK, ", ".join(numbers), "", *sorted(names))
    for per in _NAMES:
        yield from _lacking(project, per, filled[per], forms[per])


def _lacking(
    project: Surveyed, per: str, there: set[str] | None, forms: set[str]
) -> Iterator[Finding]:
    """The custom variables that the config takes and nobody has, or the archive refuses."""
    known = set(map(folded, (there or set()) | forms))
    for field in variables.fields_of(project.settings, per):
        # That of one form by its ID is known by its key.
        key = f"{FORMS}{field.rpartition('/')[2]}" if field.startswith(FORMS) else field
        if field.startswith(variables.DEMOGRAPHIC) or folded(key) in known:
            continue
        text = f"no {per} has the custom variable {field}: its column stays n/a"
        remedy = "correct `field` in the config"
        if there is None and not field.startswith(FORMS):
            text = f"the archive refuses the {per}s' custom variable {field}: its column stays n/a"
            remedy = "ask the administrator whether the server can know it"
        yield project.finding("variables", LIMIT, text, remedy)


def _variables(archive: Archive, project: str, per: str) -> set[str] | None:
    """The names of the custom variables that are filled in; None where they are refused."""
    below, query, column = _NAMES[per]
    address = f"/data/projects/{part(project)}/{below}"

    def take(rows: Iterable[Mapping[str, Any]]) -> set[str]:
        lower = ({key.lower(): value for key, value in row.items()} for row in rows)
        return {str(name) for row in lower if (name := row.get(column.lower()))}

    try:
        return archive.listing(address, {**query, "columns": f"ID,{column}"}, take)
    except ArchiveError:
        return None


def _forms(archive: Archive, project: Surveyed, per: str) -> set[str]:
    """The names of what the forms of a few subjects or sessions hold."""
    idents = dict.fromkeys(
        one.subject_id if per == "subject" else one.id for one in project.survey.sessions
    )
    names: set[str] = set()
    for ident in islice(idents, EXAMPLES):
        forms = variables.fetch_forms(archive, project.id, f"{_NAMES[per][0]}/{part(ident)}")
        if forms is None:  # an XNAT without forms
            return names
        names |= _keys(forms)
    return names


def _keys(held: Mapping[str, object]) -> set[str]:
    """The fields of forms as the config names them; XNAT has them by the form's ID."""
    forms = (one for one in held.values() if isinstance(one, dict))
    flat = {key for key, one in held.items() if not isinstance(one, dict)}
    return {f"{FORMS}{key}" for key in flat.union(*forms)}
