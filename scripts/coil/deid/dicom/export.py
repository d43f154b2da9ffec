"""A session's series as de-identified DICOM: an ordinary tree, searched before it leaves.

Only series that the mapping takes leave, unless the config wants all. A series whose images
lose their faces in the dataset would show them here: it is withheld, unless the config says that
faces stay. One that is refused is told with its reason; an identifier that is found stops the
session's export as a whole.
"""

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from coil import __version__, passing
from coil.deid.dicom import fast, parts
from coil.deid.dicom.profile import EDITION, Profile, options
from coil.deid.dicom.risk import NoImageError
from coil.deid.dicom.search import Search
from coil.deid.leak.headers import collect
from coil.deid.leak.search import Searcher, redact
from coil.deid.pixels import set_aside
from coil.deid.protection import dicom_edition
from coil.errors import DataError, LeakError
from coil.files import read_json, remove_tree, write_parts

STATES = ("exported", "refused", "withheld", "left")
_FACES = (
    "its images lose their faces in the dataset; `export: {faces: keep}` exports them as they are"
)
_UNKNOWN = "no rule tells whether it shows a face; `export: {faces: keep}` exports it as it is"


@dataclass(frozen=True)
class Wanted:
    """What the config asks for: `series` is mapped or all, `faces` withhold or keep.

    `deface` are the suffixes of images whose faces are removed in the dataset.
    """

    series: str = "mapped"
    faces: str = "withhold"
    deface: Collection[str] = ()


@dataclass(frozen=True)
class Converted:
    """A series as the session's conversion left it: its files, its BIDS name, its state."""

    folder: str
    name: str | None
    state: str
    reason: str


@dataclass(frozen=True)
class Exported:
    """What became of a series: one of `STATES` and why, its folder in the tree if it is there."""

    folder: str | None
    name: str | None
    files: int
    state: str
    reason: str


@dataclass
class _Tally:
    size: int = 0
    plainly: int = 0
    rows: list[Exported] = field(default_factory=list[Exported])


def export_session(
    pulled: Path, converted: Path, target: Path, profile: Profile, wanted: Wanted
) -> dict[str, Any]:
    """Write `target/<series>/NNNNNN.dcm` for each series that may leave.

    Parameters
    ----------
    pulled, converted
        The session as it was pulled, and the table of its series (`converted.json`).
    target
        Where the tree goes; it does not exist before, and not after an error.
    profile
        Whose session it is, and what the config says of dates.
    wanted
        Which series.

    Returns
    -------
    What the record tells: series with their states and reasons, counts, the search.

    Raises
    ------
    DataError
        If an identifier of the session would leave.
    """
    rows = _rows(converted)
    found = collect(pulled)
    keeps_times = profile.dates == "shift" and profile.time_of_day == "keep"
    identifiers = found.without("time") if keeps_times else found
    names = {row.name for row in rows if row.name}
    labels = {word for name in names for word in re.findall("-([0-9A-Za-z]+)", name)}
    public = {profile.subject, profile.session, f"sub{profile.subject}", "Coil", __version__}
    searcher = Searcher(identifiers, public, labels - {profile.subject, profile.session})
    search = Search(searcher, profile)
    tally = _Tally()
    try:
        target.mkdir(parents=True)
        for row in rows:
            tally.rows.append(_series(row, pulled, target, profile, wanted, search, tally))
        record = _record(tally, len(identifiers), searcher, profile)
        if any(True for _ in searcher.in_text(json.dumps(record["series"]).encode())):
            kinds = {"in the record": 1}
            raise LeakError(
                "leak check: the export's record holds an identifier; report this", kinds
            )
    except BaseException:
        remove_tree(target)
        raise
    return record


def _rows(converted: Path) -> list[Converted]:
    try:
        return [
            Converted(row["folder"], row.get("name"), row["state"], row.get("reason") or "")
            for row in read_json(converted / "converted.json")["series"]
            if row["folder"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        passing.let_through(error)
        raise DataError("converted.json: missing or damaged; convert the session again") from None


def _series(
    row: Converted,
    pulled: Path,
    target: Path,
    profile: Profile,
    wanted: Wanted,
    search: Search,
    tally: _Tally,
) -> Exported:
    """What became of one series."""
    number = re.sub(r"\D", "", Path(row.folder).name) or "0"
    called = _called(row.name)
    if row.state == "refused":
        return _not_exported(row, "refused", row.reason)
    if wanted.series == "mapped" and row.state != "mapped":
        return _not_exported(row, "left", "the mapping does not take it")
    suffix = called.rpartition("_")[2]
    if wanted.faces != "keep" and suffix in wanted.deface:
        return _not_exported(row, "withheld", _FACES)
    if wanted.faces != "keep" and not called and wanted.deface:
        return _not_exported(row, "withheld", _UNKNOWN)
    folder = f"{number}_{called}" if called else number
    profile.series = called
    engine = fast.Engine(parts.Family(profile))
    sources = sorted(path for path in (pulled / row.folder).rglob("*") if path.is_file())
    size = count = 0
    (target / folder).mkdir()
    try:
        for source in sources:
            try:
                chunks = engine.clean(source.read_bytes())
            except NoImageError:
                if count == 0 and source == sources[-1]:
                    raise
                continue
            kinds = search.in_file(chunks)
            if kinds:
                raise _LeakError(sorted(kinds)[0])
            count += 1
            size += write_parts(target / folder / f"{count:06d}.dcm", chunks)
    except _LeakError as leak:
        raise LeakError(
            f"leak check: a file of series {number} holds an identifier of the session, kind: "
            f"{leak}; ignore the series in the mapping, or report this",
            {str(leak): 1},
        ) from None
    except DataError as error:
        remove_tree(target / folder)
        return _not_exported(row, "refused", str(error))
    tally.size += size
    tally.plainly += engine.plainly
    return Exported(folder, row.name, count, "exported", set_aside(len(sources) - count))


def _not_exported(row: Converted, state: str, reason: str) -> Exported:
    return Exported(None, row.name, 0, state, reason)


class _LeakError(Exception):
    """An identifier was found; the message is its kind."""


def _called(name: str | None) -> str:
    """What a series is called: its BIDS name without subject and session."""
    base = (name or "").rpartition("/")[2]
    return re.sub(r"(sub|ses)-[0-9A-Za-z]+_", "", base)


def _record(
    tally: _Tally, identifiers: int, searcher: Searcher, profile: Profile
) -> dict[str, Any]:
    count = sum(row.files for row in tally.rows)
    return {
        "series": [asdict(replace(row, reason=redact(searcher, row.reason))) for row in tally.rows],
        "files": count,
        "bytes": tally.size,
        "plain_engine": tally.plainly,
        "profile": {
            "table": f"PS3.15 {EDITION} Annex E, Table E.1-1, behind an allow-list per SOP class",
            "options": list(options(profile.dates).values()),
            "allow_list": f"SHA-256 {dicom_edition()}",
        },
        "leak_check": {"identifiers": identifiers, "files": count, "hits": 0},
    }
