"""A session's series as de-identified DICOM: an ordinary tree, searched before it leaves.

Only series that the mapping takes leave, unless the config wants all. A series whose images
lose their faces in the dataset would show them here: it is withheld, unless the config says that
faces stay. One that is refused is told with its reason; an identifier that is found stops the
session's export as a whole.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from coil import __version__
from coil.deid.dicom import fast, parts
from coil.deid.dicom.profile import EDITION, Profile, options
from coil.deid.dicom.risk import NoImageError
from coil.deid.dicom.search import Search
from coil.deid.leak.headers import collect
from coil.deid.leak.identifiers import Identifiers
from coil.deid.leak.search import Searcher, redact
from coil.deid.pixels import set_aside
from coil.deid.protection import dicom_edition
from coil.errors import DataError, LeakError
from coil.files import remove_tree, write_parts
from coil.records.conversion import Conversion
from coil.records.export import ExportedSeries, ProfileRecord, State
from coil.records.series import SeriesRow

_FACES = (
    "its images lose their faces in the dataset; `export: {faces: keep}` exports them as they are"
)
_UNKNOWN = "no rule tells whether it shows a face; `export: {faces: keep}` exports it as it is"


@dataclass(frozen=True)
class Wanted:
    """The config's wish: `series` is mapped or all, `faces` withhold or keep.

    `deface` are the suffixes of images whose faces are removed in the dataset.
    """

    series: str = "mapped"
    faces: str = "withhold"
    deface: Collection[str] = ()

    def withheld(self, row: SeriesRow) -> tuple[State, str] | None:
        """The state of a series that does not leave, and the reason; None if it leaves."""
        if row.state == "refused":
            return "refused", row.reason
        if self.series == "mapped" and row.state != "mapped":
            return "left", "the mapping does not take it"
        if self.faces == "keep":
            return None
        called = _called(row.name)
        if called.rpartition("_")[2] in self.deface:
            return "withheld", _FACES
        return ("withheld", _UNKNOWN) if not called and self.deface else None


@dataclass(frozen=True)
class Exported:
    """The export of a session: its series, their bytes, and what was searched for in them.

    `plain_engine` counts the files that the slower engine took, for their header is unusual.
    """

    series: tuple[ExportedSeries, ...]
    bytes: int
    plain_engine: int
    profile: ProfileRecord
    identifiers: int

    @property
    def files(self) -> int:
        """The number of files that left."""
        return sum(row.files for row in self.series)


def export_session(
    pulled: Path, converted: Path, target: Path, profile: Profile, wanted: Wanted
) -> Exported:
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
    What became of each series, and what was searched.

    Raises
    ------
    DataError
        If an identifier of the session would leave.
    """
    rows = [row for row in Conversion.read_in(converted).series if row.folder]
    found = collect(pulled)
    keeps_times = profile.dates == "shift" and profile.time_of_day == "keep"
    identifiers = found.without("time") if keeps_times else found
    searcher = _searcher(identifiers, rows, profile)
    tree = _Tree(pulled, target, Search(searcher, profile))
    try:
        target.mkdir(parents=True)
        series = tuple(_redacted(tree.series(rows, wanted), searcher))
        _refuse_leak(series, searcher)
    except BaseException:
        remove_tree(target)
        raise
    return Exported(series, tree.size, tree.plainly, _profile(profile), len(identifiers))


def _searcher(identifiers: Identifiers, rows: Sequence[SeriesRow], profile: Profile) -> Searcher:
    names = {row.name for row in rows if row.name}
    labels = {word for name in names for word in re.findall("-([0-9A-Za-z]+)", name)}
    public = {profile.subject, profile.session, f"sub{profile.subject}", "Coil", __version__}
    return Searcher(identifiers, public, labels - {profile.subject, profile.session})


def _redacted(series: Iterator[ExportedSeries], searcher: Searcher) -> Iterator[ExportedSeries]:
    for row in series:
        yield msgspec.structs.replace(row, reason=redact(searcher, row.reason))


def _refuse_leak(series: Sequence[ExportedSeries], searcher: Searcher) -> None:
    text = json.dumps(msgspec.to_builtins(series))
    if any(True for _ in searcher.in_text(text.encode())):
        kinds = {"in the record": 1}
        raise LeakError("leak check: the export's record holds an identifier; report this", kinds)


class _Tree:
    """The tree of a session as it grows; `size` and `plainly` count its bytes and files."""

    def __init__(self, pulled: Path, target: Path, search: Search) -> None:
        self.pulled, self.target, self.search = pulled, target, search
        self.size = self.plainly = 0

    def series(self, rows: Sequence[SeriesRow], wanted: Wanted) -> Iterator[ExportedSeries]:
        """The outcome of each series; of those that leave the files are written."""
        for row in rows:
            if withheld := wanted.withheld(row):
                yield _not_exported(row, *withheld)
                continue
            try:
                yield self._export(row)
            except LeakError:
                raise
            except DataError as error:
                yield _not_exported(row, "refused", str(error))

    def _export(self, row: SeriesRow) -> ExportedSeries:
        """Write the files of one series, or none if one of them is refused."""
        number = re.sub(r"\D", "", Path(row.folder or "").name) or "0"
        called = _called(row.name)
        folder = f"{number}_{called}" if called else number
        sources = sorted(p for p in (self.pulled / (row.folder or "")).rglob("*") if p.is_file())
        profile = self.search.profile
        profile.series = called
        engine = fast.Engine(parts.Family(profile))
        (self.target / folder).mkdir()
        try:
            count, size = self._write(sources, self.target / folder, engine, number)
        except DataError:
            remove_tree(self.target / folder)
            raise
        self.size += size
        self.plainly += engine.plainly
        return ExportedSeries(
            folder=folder,
            name=row.name,
            files=count,
            state="exported",
            reason=set_aside(len(sources) - count),
        )

    def _write(
        self, sources: Sequence[Path], folder: Path, engine: fast.Engine, number: str
    ) -> tuple[int, int]:
        """Write the images among a series' files; returns their number and bytes."""
        size = count = 0
        for source in sources:
            try:
                chunks = engine.clean(source.read_bytes())
            except NoImageError:
                if count == 0 and source == sources[-1]:
                    raise
                continue
            if kinds := self.search.in_file(chunks):
                kind = sorted(kinds)[0]
                raise LeakError(
                    f"leak check: a file of series {number} holds an identifier of the session, "
                    f"kind: {kind}; ignore the series in the mapping, or report this",
                    {kind: 1},
                )
            count += 1
            size += write_parts(folder / f"{count:06d}.dcm", chunks)
        return count, size


def _not_exported(row: SeriesRow, state: State, reason: str) -> ExportedSeries:
    return ExportedSeries(folder=None, name=row.name, files=0, state=state, reason=reason)


def _called(name: str | None) -> str:
    """The series' own part of its BIDS name: without subject and session."""
    base = (name or "").rpartition("/")[2]
    return re.sub(r"(sub|ses)-[0-9A-Za-z]+_", "", base)


def _profile(profile: Profile) -> ProfileRecord:
    return ProfileRecord(
        table=f"PS3.15 {EDITION} Annex E, Table E.1-1, behind an allow-list per SOP class",
        options=tuple(options(profile.dates).values()),
        allow_list=f"SHA-256 {dicom_edition()}",
    )
