"""What a session's record says of its protection: what was done, how often, by which rule.

No value of a person is in it: only names of rules, their editions, and counts.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from coil import __version__
from coil.config.model.identity import Identity
from coil.records import Part
from coil.records.session import Admitted, Measure, Protection

_ALLOW_LIST = ("allow_list/sidecar_keys.py", "allow_list/sidecar_pet.py", "allow_list/values.py")
_DICOM_LIST = ("dicom/attributes.tsv", "dicom/private.tsv")
_POLICIES = ("subjects", "sessions", "dates", "time_of_day")


class Rules(Part, frozen=True, kw_only=True):
    """The rules of a project's protection: three keys of its config."""

    identity: Identity
    deface: tuple[str, ...]
    sidecar_keys: tuple[str, ...]


def protection(rules: Rules, bids_version: str, admitted: Admitted | None) -> Protection:
    """The rules that a session went through, and what each of them did.

    Parameters
    ----------
    rules
        The project's; no path of them is shown.
    bids_version
        The version of BIDS by which kinds of files are known.
    admitted
        What was done to the session; None if it was refused.
    """
    editions = {
        "Coil": __version__,
        "BIDS": bids_version,
        "sidecar allow-list": f"SHA-256 {allow_list_edition()}",
    }
    templates = {image.template for image in admitted.deface if image.template} if admitted else ()
    if templates:
        editions["face template"] = ", ".join(sorted(templates))
    return Protection(
        editions=editions,
        policies={key: getattr(rules.identity, key) for key in _POLICIES},
        deface=rules.deface,
        sidecar_keys=rules.sidecar_keys,
        account=account(admitted, editions) if admitted else (),
    )


def allow_list_edition() -> str:
    """The first 16 digits of the digest of the allow-list of sidecar keys and their values.

    Where its modules import from is no part of it.
    """
    return _digest(_ALLOW_LIST)


def dicom_edition() -> str:
    """The same of the allow-list of DICOM attributes, by SOP class, and of private elements."""
    return _digest(_DICOM_LIST)


@cache
def _digest(names: tuple[str, ...]) -> str:
    here = Path(__file__).parent
    return hashlib.sha256("".join(_said(here / name) for name in names).encode()).hexdigest()[:16]


def _said(path: Path) -> str:
    """A table, or a module without its imports."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    imports = [one for one in ast.parse(text).body if isinstance(one, ast.Import | ast.ImportFrom)]
    left_out = {line for one in imports for line in range(one.lineno, (one.end_lineno or 0) + 1)}
    lines = enumerate(text.splitlines(keepends=True), 1)
    return "".join(line for number, line in lines if number not in left_out)


def account(admitted: Admitted, editions: Mapping[str, str]) -> tuple[Measure, ...]:
    """The account of what was removed, changed and kept: how often (above 0), by which rule."""
    rows = (*_removals(admitted, editions), *_changes(admitted, editions))
    return tuple(row for row in rows if row.count)


def _removals(admitted: Admitted, editions: Mapping[str, str]) -> Iterator[Measure]:
    removed, coil = admitted.removed, f"Coil {editions['Coil']}"
    yield Measure(
        action="removed",
        what="values of sidecars",
        count=sum(removed.sidecar_keys.values()),
        rule="not in the allow-list of sidecar keys, or not a value that its entry allows",
        edition=f"allow-list {editions['sidecar allow-list']}",
    )
    yield Measure(
        action="removed",
        what="fields of image headers",
        count=len(removed.header_fields),
        rule="only voxels and geometry pass",
        edition=coil,
    )
    yield Measure(
        action="removed",
        what="columns of tables",
        count=sum(removed.columns.values()),
        rule="only known columns, and those that the config names",
        edition=coil,
    )
    yield Measure(
        action="removed",
        what="files",
        count=sum(removed.files.values()),
        rule="only known kinds of files in known places",
        edition=f"{coil}, BIDS {editions['BIDS']}",
    )


def _changes(admitted: Admitted, editions: Mapping[str, str]) -> Iterator[Measure]:
    coil = f"Coil {editions['Coil']}"
    yield Measure(
        action="changed",
        what="faces",
        count=sum(image.state == "defaced" for image in admitted.deface),
        rule="images of the suffixes that the config lists in deface, through the gates",
        edition=f"{coil}, template of {editions.get('face template', 'no known release')}",
    )
    yield Measure(
        action="changed",
        what="times of acquisition",
        count=sum(bool(row.acq_time) for row in admitted.series),
        rule="one secret shift of days for each subject",
        edition=coil,
    )
    yield Measure(
        action="changed",
        what="values of sidecars that the config supplies",
        count=sum(len(row.supplied or ()) for row in admitted.series),
        rule="the mapping's own values, searched for identifiers",
        edition="the project's config",
    )
    yield Measure(
        action="kept",
        what="values of sidecars",
        count=sum(admitted.kept.sidecar_keys.values()),
        rule="in the allow-list, each with a type, a range or a vocabulary",
        edition=f"allow-list {editions['sidecar allow-list']}",
    )
