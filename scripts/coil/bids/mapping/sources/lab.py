"""Names by a lab's own heudiconv heuristic: what its `infotodict` makes of a session's series.

The file is loaded and the series are described to it by heudiconv itself, from one header a
series. Its templates give the data type, the suffix and the entities; subject and session are
ours. Of the rest of a heuristic, `filter_files`, `filter_dicom` and `custom_seqinfo` are
heeded. `infotoids`, `grouping`, `custom_callable`, `POPULATE_INTENDED_FOR_OPTS`, `DEFAULT_FIELDS`
and other output types than NIfTI are not: they are about identities, conversion and files.
"""

import io
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from coil import passing
from coil.bids.mapping.sources.named import Named, checked, datatype_of, entities_of
from coil.errors import ConfigError

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series

T = TypeVar("T")


def load(path: Path, where: str) -> ModuleType:
    """The heuristic as a module; `where` is how messages name the file.

    Raises
    ------
    ConfigError
        If it cannot be loaded: the line and the kind of the exception, never its text, which
        may quote the data.
    """
    from heudiconv.utils import load_heuristic  # costs 0.4 s, with pydicom

    module = _run(path, where, lambda: load_heuristic(str(path)))
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise ConfigError(f"{where}: its name is that of a Python module; rename the file")
    del sys.modules[path.stem]  # heuristics of several projects may have one name
    if not callable(getattr(module, "infotodict", None)):
        raise ConfigError(f"{where}: has no function infotodict; see heudiconv's documentation")
    return module


def check(path: Path, where: str) -> None:
    """Refuse a heuristic that is no Python, before any work and without running it."""
    _run(path, where, lambda: compile(path.read_bytes(), path.resolve(), "exec"))


def name(series: Iterable["Series"], path: Path, where: str) -> list[Named]:
    """What the heuristic says of a session's series.

    Raises
    ------
    ConfigError
        If its code raises, or what it returns is not what heudiconv takes.
    """
    module = load(path, where)
    found: list[Named] = []
    infos: dict[Any, Series] = {}
    for one in sorted(series, key=_order):
        if one.listed:
            found.append(Named(one, problem="the heuristic decides by its header"))
        elif (one.path or one.partial) and one.is_image:
            info, named = _described(one, module, {info.series_id for info in infos}, path, where)
            infos |= {info: one} if info else {}
            found += [named] if named else []
    by_id = {info.series_id: one for info, one in infos.items()}
    given: dict[str, list[Named]] = defaultdict(list)
    if by_id:
        info = _run(path, where, lambda: [*_items(module.infotodict(list(infos)))])
        for series_id, template, values in info:
            if series_id not in by_id:
                raise ConfigError(f"{where}: infotodict names a series that it was not given")
            given[series_id].append(_named(by_id[series_id], template, values))
    for series_id, names in given.items():
        several = Named(by_id[series_id], problem="the heuristic gives it several names")
        found.append(names[0] if all(one == names[0] for one in names) else several)
    return found


def _order(series: "Series") -> tuple[int, str, str]:
    """heudiconv's order of series, which the counters of heuristics go by."""
    return series.series_number or 0, series.protocol_name or "", series.series_uid or ""


def _described(
    series: "Series", module: ModuleType, taken: set[str], path: Path, where: str
) -> tuple[Any, Named | None]:
    """heudiconv's description of a series by its first header, or why there is none."""
    from heudiconv import dicoms

    def describe() -> Any:
        files = sorted(map(str, series.images))
        if series.partial:  # the one file stands for all of them
            files = files[:1] * (series.files or 1)
        files = [*filter(getattr(module, "filter_files", None) or bool, files)]
        valid = dicoms.validate_dicom(files[0], dcm_filter) if files else None
        if valid is None or valid[0].image_shape is None:
            return None
        wrapper, (number, protocol), _ = valid
        series_id = f"{number}-{protocol}"
        while series_id in taken:
            series_id += "'"  # two series of one number, such as magnitude and phase
        return dicoms.create_seqinfo(wrapper, files, series_id, custom)

    custom, dcm_filter = (getattr(module, n, None) for n in ("custom_seqinfo", "filter_dicom"))
    try:
        info = _run(path, where, describe)
    except _OutsideError:
        return None, Named(series, problem="heudiconv cannot read its header")
    if info is None:
        return None, Named(series, ignore="left out by heudiconv or a filter of the heuristic")
    return info, None


def _items(info: dict[Any, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(series ID, template, values for it) of all that `infotodict` names.

    The template is "" where no NIfTI is wanted. The values are those with which heudiconv fills
    a template, without subject and session.
    """
    for (template, outtypes, *_), items in info.items():
        if not any(str(kind).startswith("nii") for kind in outtypes):
            template = ""
        for index, group in enumerate(items, start=1):
            for subindex, item in enumerate(group if isinstance(group, list) else [group], start=1):
                own = dict(item) if isinstance(item, dict) else {"item": item}
                series_id = str(own.pop("item"))
                yield (
                    series_id,
                    template,
                    {**own, "item": index, "subindex": subindex, "seqitem": series_id},
                )


# Subject and session are taken out of the name again, so any labels do.
_OURS = {
    "subject": "0",
    "session": "ses-0",
    "bids_subject_session_dir": "sub-0/ses-0",
    "bids_subject_session_prefix": "sub-0_ses-0",
}


def _named(series: "Series", template: str, values: dict[str, Any]) -> Named:
    if not template:
        return Named(series, ignore="the heuristic keeps its DICOM files only")
    try:
        path = template.format_map(values | _OURS)
    except (KeyError, IndexError, ValueError):
        return Named(series, problem="the heuristic's template asks for a value that it lacks")
    folder, _, base = path.rpartition("/")
    base = base.replace("ses-ses-", "ses-")  # a template with ses-{session}, which holds ses-
    if "__dup" in base:  # so heuristics made from heudiconv's reproin mark what was repeated
        return Named(series, ignore="done again later, says the heuristic")
    *parts, suffix = base.split("_")
    entities = entities_of(parts)
    if entities is None:
        return Named(series, problem="the heuristic's template is no BIDS name")
    datatype = folder.rpartition("/")[2]
    if datatype.startswith(("sub-", "ses-")) or not datatype:
        target = datatype_of(suffix, entities)
        datatype, suffix = target or (datatype, suffix)
    return checked(Named(series, datatype, suffix, entities, derived=True))


class _OutsideError(ConfigError):
    """What was raised beside the lab's code."""


def _run(path: Path, where: str, work: Callable[[], T]) -> T:
    """The result of the lab's code; what it raises is told by its line and kind alone.

    What it prints is dropped, since it may be about the data, and no bytecode is left beside it.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    nothing = io.StringIO()
    try:
        with redirect_stdout(nothing), redirect_stderr(nothing):
            return work()
    except (Exception, SystemExit) as error:
        passing.let_through(error)
        line = _line(error, path.resolve())
        told = f"{type(error).__name__}; correct it, and try it with heudiconv by hand"
        if line is None:
            raise _OutsideError(f"{where}: {told}") from None
        raise ConfigError(f"{where}, line {line}: {told}") from None
    finally:
        sys.dont_write_bytecode = before


def _line(error: BaseException, path: Path) -> int | None:
    """The line of the lab's file at which an exception was raised, or that it cannot parse."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path]
    return lines[-1] if lines else None
