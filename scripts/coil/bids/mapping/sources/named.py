"""What a source of a mapping says of one series, and whether BIDS has such a name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coil.bids import names
from coil.config.model.mapping import Duplicates

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series


@dataclass(frozen=True)
class Named:
    """A series' name, why it is left out (`ignore`), or why it has no name (`problem`).

    `image_type` are values of ImageType on which the name rests: open as long as only the
    archive's listing is known. `derived` is said of a name that is meant for what the scanner
    computed, too.
    """

    series: "Series"
    datatype: str | None = None
    suffix: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict)
    ignore: str | None = None
    problem: str | None = None
    duplicates: Duplicates = "fail"
    image_type: frozenset[str] = frozenset()
    derived: bool = False


def checked(named: Named) -> Named:
    """`named` if BIDS has such a name, else the same series with the problem in its place."""
    if named.datatype is None or named.suffix is None:
        return named
    problem = _problem(named.datatype, named.suffix, named.entities)
    return Named(named.series, problem=problem) if problem else named


def _problem(datatype: str, suffix: str, values: Mapping[str, str]) -> str | None:
    """Why there is no such name, without a word that is not in the BIDS schema or a key of it."""
    kind = names.kind(datatype, suffix)
    if kind is None:
        return f"its data type and suffix are not in BIDS {names.bids_version()}"
    target = f"{datatype}/{suffix}"
    if set(values) - set(names.entities()):
        return "a part of the name is no BIDS entity"
    if extra := sorted(set(values) - kind.allowed):
        return f"{target} takes no {', '.join(extra)}"
    if absent := sorted(kind.required - {"sub", "ses"} - names.SPLIT_BY_CONVERTER - set(values)):
        return f"{target} needs {', '.join(absent)}"
    return next((p for k, v in values.items() if (p := names.value_problem(k, v))), None)


def entities_of(parts: Iterable[str]) -> dict[str, str] | None:
    """The entities of `key-value` parts, without subject and session; None if one is not so."""
    found: dict[str, str] = {}
    for part in parts:
        key, dash, value = part.partition("-")
        if not dash or not value or key in found:
            return None
        found[key] = value
    return {key: value for key, value in found.items() if key not in ("sub", "ses")}


def datatype_of(suffix: str, entities: Iterable[str]) -> tuple[str, str] | None:
    """The (data type, suffix in BIDS' spelling) of a suffix that stands without a data type.

    Where several data types have it, the first whose required entities are given: an sbref
    with a task is of func, one without of dwi.
    """
    numbered = [("fmap", known) for known in names.NUMBERED]
    found = [one for one in (*names.kinds(), *numbered) if one[1].lower() == suffix.lower()]
    found.sort(key=lambda one: _ORDER.index(one[0]))
    given = {*entities, "sub", "ses", *names.SPLIT_BY_CONVERTER}
    fitting = [one for one in found if (kind := names.kind(*one)) and kind.required <= given]
    return next(iter([*fitting, *found]), None)


# An m0scan without a data type is that of an ASL series.
_ORDER = ("anat", "func", "dwi", "perf", "fmap", "pet", "mrs")
