"""Names by the bidsmap that a lab keeps in XNAT for XNAT's own BIDS containers.

A bidsmap is a JSON list, bare or as `mappings` of an object, with entries of two shapes (or
an object of names by description):

    {"series_description": "MPRAGE", "bidsname": "T1w"}          (xnat_field in newer ones)
    {"pattern": "(?i)^bold", "suffix": "task-rest_bold", "modality": "func"}

The first takes series by their whole description, in capitals or not, the second by a regular
expression searched in it. A name may have its data type before it (`anat/T1w`) or be a
ReproIn name; an entry without one leaves its series out. As in the containers, an exact
entry goes before the patterns, and what the project says before what the site says; where
several series get one name, they are numbered as runs. Magnitude and phase of a field map,
which bear one description, are told apart by ImageType. Messages tell an entry by its number,
since what it says belongs to the lab.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coil.bids.mapping.sources import reproin
from coil.bids.mapping.sources.named import Named, checked, datatype_of, entities_of
from coil.errors import ConfigError
from coil.records.bidsmaps import KeptBidsmap

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series

_KEYS = ("xnat_field", "series_description")
_GRADIENT_ECHO = ("fieldmap", "magnitude", "magnitude1", "phasediff")
_LIKE_REPROIN = re.compile("(anat|func|fmap|dwi)[-_]")


@dataclass(frozen=True)
class Entry:
    """One entry: what it takes (`text` whole, or by `pattern`) and the name that it gives."""

    place: str
    text: str | None
    pattern: re.Pattern[str] | None
    name: str | None
    datatype: str | None = None


@dataclass(frozen=True)
class Bidsmap:
    """The entries of all the maps of a project, those that count more before the others."""

    exact: dict[str, Entry]
    patterns: tuple[Entry, ...]

    def entry(self, text: str) -> Entry | None:
        """The entry that takes a description."""
        exact = self.exact.get(text.strip().lower())
        return exact or next(
            (e for e in self.patterns if e.pattern and e.pattern.search(text)), None
        )


def parse(maps: Sequence[KeptBidsmap]) -> Bidsmap:
    """Read the maps that discovery found.

    Parameters
    ----------
    maps
        The project's first.

    Raises
    ------
    ConfigError
        One line: the map's place, the number of the entry (from 1), what is wrong there.
    """
    exact: dict[str, Entry] = {}
    patterns: list[Entry] = []
    for one in maps:
        own: dict[str, Entry] = {}
        for entry in _entries(one.source, one.content):
            if entry.text is None:
                patterns.append(entry)
            else:
                own[entry.text] = entry  # of two entries for one text the later counts
        exact = own | exact
    return Bidsmap(exact, tuple(patterns))


def _entries(place: str, content: Any) -> Iterable[Entry]:
    if isinstance(content, dict):
        named = [{_KEYS[1]: text, "bidsname": name} for text, name in content.items()]
        content = content.get("mappings", named)
    if not isinstance(content, list):
        raise ConfigError(
            f"{place}: neither a JSON list of entries nor an object with the list `mappings`; "
            "correct it in the archive"
        )
    for number, raw in enumerate(content, start=1):
        yield _entry(f"{place}, entry {number}", raw)


def _entry(place: str, raw: Any) -> Entry:
    if not isinstance(raw, dict):
        raise ConfigError(f"{place}: is no JSON object; correct it in the archive")
    key = next((key for key in _KEYS if key in raw), None)
    if key is not None:
        return Entry(
            place, _text(place, raw, key).strip().lower(), None, _name(place, raw, "bidsname")
        )
    if "pattern" not in raw:
        raise ConfigError(
            f"{place}: has neither series_description nor pattern; correct it in the archive"
        )
    try:
        pattern = re.compile(_text(place, raw, "pattern"))
    except re.error as error:
        raise ConfigError(
            f"{place}: pattern: not a regular expression ({error.msg}); correct it in the archive"
        ) from None
    modality = _name(place, raw, "modality")
    return Entry(place, None, pattern, _name(place, raw, "suffix"), modality)


def _text(place: str, raw: dict[str, Any], key: str) -> str:
    if not isinstance(raw[key], str):
        raise ConfigError(f"{place}: {key}: is no text; correct it in the archive")
    return raw[key]


def _name(place: str, raw: dict[str, Any], key: str) -> str | None:
    return (_text(place, raw, key).strip() or None) if raw.get(key) is not None else None


def name(series: Iterable["Series"], bidsmap: Bidsmap) -> list[Named]:
    """What a bidsmap says of a session's series, in order of acquisition.

    A series without a description goes by the archive's type of the scan, as do those that
    only the type finds in the map.
    """
    found: list[Named] = []
    asked: list[tuple[Series, list[str]]] = []
    for one in series:
        entry = bidsmap.entry(one.series_description or one.type) or bidsmap.entry(one.type)
        if entry is None:
            continue
        if entry.name is None:
            found.append(Named(one, ignore=f"left out by {entry.place}"))
        elif entry.datatype is None and _LIKE_REPROIN.match(entry.name):
            asked.append((one, [entry.name]))
        else:
            found.append(_named(one, entry, entry.name))
    return [*_numbered(_told_apart(found)), *reproin.name_specs(asked)]


def _told_apart(found: list[Named]) -> list[Named]:
    """The names, with magnitude and phase of a gradient-echo field map told by ImageType.

    They are series of their own with one description, so that one entry takes both.
    """
    kinds: dict[Any, set[str]] = defaultdict(set)
    for one in found:
        kinds[_target(one)] |= {"M", "P"} & set(one.series.image_type or ())
    told = []
    for one in found:
        if one.datatype == "fmap" and one.suffix in _GRADIENT_ECHO:
            if one.series.listed:
                one = replace(one, image_type=frozenset({"M"}))  # it is open
            elif len(kinds[_target(one)]) > 1:
                one = replace(one, suffix=_component(one.series))
        told.append(one)
    return told


def _component(series: "Series") -> str:
    if "P" not in (series.image_type or ()):
        return "magnitude"
    return "phase" if len(series.echo_times) > 1 else "phasediff"


def _numbered(found: list[Named]) -> list[Named]:
    """The names, without the run that an entry writes out where several series would bear it."""
    several = Counter(map(_target, found))
    return [
        replace(one, entities={k: v for k, v in one.entities.items() if k != "run"})
        if "run" in one.entities and several[_target(one)] > 1
        else one
        for one in found
    ]


def _target(one: Named) -> tuple[Any, ...]:
    return one.datatype, one.suffix, tuple(sorted(one.entities.items()))


def _named(series: "Series", entry: Entry, text: str) -> Named:
    folder, _, base = text.removesuffix(".nii.gz").rpartition("/")
    *parts, suffix = base.strip("_").split("_")
    datatype = entry.datatype or folder.rpartition("/")[2] or None
    entities = entities_of(parts)
    if entities is None:
        return Named(series, problem=f"{entry.place} gives a name that is no BIDS name")
    if datatype is None:
        target = datatype_of(suffix, entities)
        if target is None:
            return Named(series, problem=f"{entry.place} gives a suffix that is not in BIDS")
        datatype, suffix = target
    # Who writes a whole description means that series, even if the scanner computed it.
    derived = entry.text is not None
    named = checked(Named(series, datatype, suffix, entities, duplicates="runs", derived=derived))
    if named.problem:
        return Named(series, problem=f"{entry.place} takes it, but {named.problem}")
    return named
