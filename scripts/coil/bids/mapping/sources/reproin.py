"""Names by the ReproIn convention: the scanner's protocol names say what BIDS is to call them.

The names are read by heudiconv's own parser. What its heuristic decides beyond the name is
decided here for each series by itself, so that one odd series does not stop its session:
the suffix by ImageType, `run+` and `run=`, motion-corrected series, scouts, repetitions.
The convention: https://github.com/ReproNim/reproin
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from coil.bids import names
from coil.bids.mapping.sources.named import Named, checked, entities_of

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series

_SCOUT = "a scout (planning scan)"
_REFERENCE = "_SBRef"
_RUN_FORMAT = "{:02d}"


def name(series: Iterable["Series"]) -> list[Named]:
    """What the names of a session's series, in order of acquisition, say of those that have one.

    The protocol's name comes first, then the series' description.
    """
    return name_specs((one, [one.protocol_name or "", one.series_description]) for one in series)


def name_specs(texts_by_series: Iterable[tuple["Series", list[str]]]) -> list[Named]:
    """The same for series with texts of which the first that is a ReproIn name counts."""
    counter = _Runs()
    found: list[Named] = []
    for series, texts in texts_by_series:
        if series.series_description == "PhoenixZIPReport":
            found.append(Named(series, ignore="a report of the scanner's"))
            continue
        spec, said = next(_parsed(texts), ("", None))
        counter.see(series)
        if said is not None:
            found.append(_name(series, spec, said, counter))
    return found


def _parsed(texts: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The texts that are ReproIn names, with what the parser makes of them."""
    from heudiconv.heuristics.reproin import parse_series_spec  # costs 0.4 s, with pydicom

    for text in texts:
        spec = text.split("__", 1)[0].rstrip("_ ")  # the parser trips over an empty part
        try:
            said = parse_series_spec(spec)
        except (IndexError, ValueError):
            continue
        if said:
            yield spec, said


class _Runs:
    """The run index of a session, which `run+` raises and `run=` repeats, whatever the task.

    What belongs to a run does not raise it: the bold after its single-band reference, the
    phase after its magnitude, the series that the scanner corrected for motion.
    """

    def __init__(self) -> None:
        self.current = 0
        self.kinds: tuple[str | None, str | None] = (None, None)
        self.spec = ""
        self.has_only_reference = False

    def see(self, series: "Series") -> None:
        """Note the third value of ImageType of a series: M, P, FMRI, DIFFUSION, ..."""
        values = series.image_type or ()
        self.kinds = (self.kinds[1], values[2] if len(values) > 2 else None)

    def index(self, run: str, spec: str, suffix: str, moved: bool) -> int | None:
        """The index of a series whose name says `run`; None for a phase without magnitude."""
        spec = spec.removesuffix(_REFERENCE)
        same, self.spec = spec == self.spec, spec
        before, kind = self.kinds
        if run.isdigit():
            self.current = int(run)
        elif run == "=" or (moved and same):
            self.current = self.current or 1
        elif kind == "P":
            if not same and before != "M":
                return None
        elif not (same and self.has_only_reference and suffix != "sbref"):
            self.current += 1
        if kind != "P":
            self.has_only_reference = suffix == "sbref"
        return self.current


def _name(series: "Series", spec: str, said: dict[str, str], counter: _Runs) -> Named:
    description = series.series_description.lower()
    suffix = said.get("datatype_suffix")
    is_setter = description == f"{(series.protocol_name or '').lower()}_setter"
    if "_scout" in description or (suffix or "").startswith("scout") or is_setter:
        return Named(series, ignore="sets up the navigator" if is_setter else _SCOUT)
    if said["datatype"] not in names.MODALITIES:
        return Named(series, ignore="behavioural data, which are no images")
    parts = [part for part in said.get("bids", "").split("_") if part]
    if suffix is None and parts and "-" not in parts[-1]:
        suffix = parts.pop()
    entities = entities_of(parts)
    if entities is None:
        return Named(series, problem="a part of its name is neither an entity nor a suffix")
    entities |= {key: said[key] for key in ("task", "acq", "rec", "dir") if said.get(key)}
    if said["datatype"] == "func":
        entities.setdefault("task", "UNKNOWN")  # so the convention
    image_type: set[str] = set()
    if series.series_description.endswith(_REFERENCE):
        suffix = "sbref"
    elif suffix is None:
        suffix = _suffix(series, said["datatype"], spec, "dir" in entities, image_type)
    if suffix is None:
        return Named(series, problem="its name has no suffix, and its ImageType tells none")
    if "run" in said:
        if not (said["run"].isdigit() or said["run"] in ("+", "=")):
            return Named(series, problem="its run is neither an index nor + nor =")
        moved = "MOCO" in (series.image_type or ())
        index = counter.index(said["run"], spec, suffix, moved)
        if index is None:
            return Named(series, problem="run+ of a phase image that follows no magnitude")
        entities["run"] = _RUN_FORMAT.format(index)
    problem = _mark(series, said["datatype"], suffix, counter.kinds[1], entities, image_type)
    if problem:
        return Named(series, problem=problem)
    return checked(
        Named(
            series,
            said["datatype"],
            suffix,
            entities,
            duplicates="last-complete",  # a repetition under the same name replaces what was
            image_type=frozenset(image_type),
            derived=bool(image_type),
        )
    )


def _suffix(
    series: "Series", datatype: str, spec: str, has_direction: bool, image_type: set[str]
) -> str | None:
    """The suffix of a name that has none; adds to `image_type` what it rests on."""
    if datatype == "func":
        return "pace" if "_pace_" in spec else "bold"
    if datatype == "dwi":
        return "dwi"
    if datatype != "fmap":
        return None
    values = series.image_type or ()
    if series.listed:  # only the header tells magnitude and phase apart
        image_type.add("M")
        return "epi" if has_direction else "magnitude"
    if "P" in values:
        image_type.add("P")
        return "phasediff"
    if has_direction or "DIFFUSION" in values:
        return "epi"
    return "magnitude" if "M" in values else None


def _mark(
    series: "Series",
    datatype: str,
    suffix: str,
    kind: str | None,
    entities: dict[str, str],
    image_type: set[str],
) -> str | None:
    """Add what ImageType says of the image to its entities; returns a contradiction to its name."""
    values = set(series.image_type or ())
    if "MOCO" in values:
        if "rec" in entities:
            return "the scanner corrected its motion, but its name has a rec already"
        entities["rec"] = "moco"
        image_type.add("MOCO")
    if kind and kind.startswith("MIP"):
        entities["acq"] = entities.get("acq", "") + kind.replace("_", "")
        image_type.add(kind)
    allowed = names.kind(datatype, suffix)
    if "P" in values and allowed and "part" in allowed.allowed:
        entities.setdefault("part", "phase")
        image_type.add("P")
    return None
