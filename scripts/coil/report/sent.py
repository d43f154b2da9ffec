"""What left for the archive and for other projects, counted from the receipts of the pushes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from coil.records.data_protection import (
    AccountRow,
    Copied,
    Exported,
    ExportWanted,
    FailedExport,
    KindSent,
    Pushed,
    SeriesExported,
)
from coil.records.export import ExportRecord, ProfileRecord
from coil.records.push import PushRecord
from coil.workspace import PROJECT

_IMAGES, _DICOM = "anonymized images and their sidecars", "de-identified DICOM files"
_CHANGED = "headers of DICOM files"
_RULE = "only attributes of their SOP class that Annex E and the config let stay"


@dataclass(frozen=True)
class Sent:
    """The records of a project's exports, and the receipts of its pushes.

    exports     of its sessions
    pushes      to the archive, by unit; `project` is the project's own
    copies      to another project, likewise
    withdrawn   of what was taken back from there
    """

    exports: Sequence[ExportRecord] = ()
    pushes: Mapping[str, PushRecord] = field(default_factory=dict)
    copies: Mapping[str, PushRecord] = field(default_factory=dict)
    withdrawn: Sequence[PushRecord] = ()

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Self:
        """The records in files, each by its name and the unit that its folder is called after."""
        by_name: dict[str, dict[str, Path]] = {}
        for path in paths:
            by_name.setdefault(path.stem, {})[path.parent.name] = path
        exports = by_name.get("export", {})
        pushes, copies, withdrawn = (
            {unit: PushRecord.read(path) for unit, path in by_name.get(name, {}).items()}
            for name in ("push", "push_dicom", "withdraw_dicom")
        )
        return cls(
            [ExportRecord.read(path) for unit, path in exports.items() if unit != PROJECT],
            pushes,
            copies,
            [*withdrawn.values()],
        )


def pushed(wanted: tuple[str, ...], receipts: Mapping[str, PushRecord]) -> Pushed:
    """The pushes to the archive, counted; `wanted` is what the config sends, in words."""
    return Pushed(
        wanted=wanted,
        rows=_rows(receipts),
        states=_states(receipts),
        left=sum(len(one.left) for one in receipts.values()),
        removed=sum(len(one.removed) for one in receipts.values()),
    )


def copied(receipts: Mapping[str, PushRecord], withdrawn: Iterable[PushRecord]) -> Copied:
    """The pushes to another project, counted; `withdrawn` those that took sessions back."""
    return Copied(
        rows=_rows(receipts),
        states=_states(receipts),
        left=sum(len(one.left) for one in receipts.values()),
        removed=sum(len(one.removed) for one in receipts.values()),
        withdrawn=sum(len(one.removed) for one in withdrawn),
    )


def _rows(receipts: Mapping[str, PushRecord]) -> tuple[KindSent, ...]:
    """How many sessions and files of each kind are there now."""
    files: Counter[str] = Counter()
    sessions: Counter[str] = Counter()
    for unit, receipt in receipts.items():
        kinds = Counter(map(_kind, receipt.files))
        files.update(kinds)
        sessions.update(dict.fromkeys(kinds, int(unit != PROJECT)))
    return tuple(
        KindSent(what=what, sessions=sessions[what], files=count)
        for what, count in sorted(files.items())
    )


def _states(receipts: Mapping[str, PushRecord]) -> dict[str, int]:
    states = Counter(one.state for unit, one in receipts.items() if unit != PROJECT)
    return dict(sorted(states.items()))


def exported(wanted: ExportWanted | None, records: Sequence[ExportRecord]) -> Exported:
    """The exports of all sessions, their series counted by what became of them."""
    counts = Counter((row.state, row.reason) for record in records for row in record.series)
    done = [record for record in records if record.state == "done"]
    profiles = [record.profile for record in done if record.profile]
    return Exported(
        wanted=wanted,
        sessions=len(done),
        failed=tuple(
            FailedExport(subject=one.subject, session=one.session, reason=one.reason)
            for one in records
            if one.state != "done"
        ),
        files=sum(record.files for record in done),
        searched=sum(record.leak_check.files for record in done if record.leak_check),
        series=tuple(
            SeriesExported(state=state, reason=reason, count=count)
            for (state, reason), count in sorted(counts.items())
        ),
        tables=tuple(sorted({profile.table for profile in profiles})),
        options=tuple(sorted({option for profile in profiles for option in profile.options})),
    )


def account(records: Iterable[ExportRecord]) -> list[AccountRow]:
    """The rows of the account of all sessions on headers that the exports changed, by edition."""
    files: Counter[str] = Counter()
    for record in records:
        if record.state == "done" and record.profile:
            files[_edition(record.profile)] += record.files
    return [
        AccountRow(action="changed", what=_CHANGED, rule=_RULE, edition=edition, count=count)
        for edition, count in sorted(files.items())
        if count
    ]


def _edition(profile: ProfileRecord) -> str:
    return f"{profile.table}; {profile.allow_list}"


def _kind(name: str) -> str:
    """The kind of a file of a receipt, by the name that the receipt gives it."""
    first, *rest = name.split("/")
    if first == "scans":
        return _DICOM if rest[1] == "DICOM" else _IMAGES
    if first == "resources":
        return "files of the analyses"
    return "numbers as an assessor" if name == "assessor" else "reports and their numbers"
