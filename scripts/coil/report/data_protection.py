"""The data protection summary of a project: one page that an ethics board can read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from coil import files
from coil.records.data_protection import (
    AccountRow,
    DataProtection,
    ExportWanted,
    Faces,
    FreeText,
    Gate,
    LeakChecks,
    LeakRefusals,
    RefusedSession,
)
from coil.records.session import DefacedImage, SessionRecord
from coil.report import page, sent
from coil.report.sent import Sent
from coil.workspace import Results

POLICIES = ("subjects", "sessions", "dates", "time_of_day")
_ORDER = {"removed": 0, "changed": 1, "kept": 2}
_GATES = (
    ("resemblance to the average head after registration", "{resemblance_min} or more"),
    ("share of the head that goes", "{changed_fraction_min:.0%} to {changed_fraction_max:.0%}"),
    ("how deep it goes in the upper head", "at most {brain_depth_mm:.0f} mm below the skin"),
)
_PUSHED = {
    "reports": "reports and numbers of quality control",
    "bids_resources": "anonymized images and their sidecars",
    "derivatives": "files of the analyses",
    "assessor": "numbers of quality control as an assessor",
}


@dataclass(frozen=True)
class Study:
    """The part of a project's config that decides how its data are protected.

    settings          its identity, deface, bids, participants, sessions, phenotype, push, export
    keep_quarantine   whether the identified files of failed sessions are kept
    """

    settings: Mapping[str, Any]
    keep_quarantine: bool = False


def write(out: Path, study: Study, admits: Iterable[Path], sent_records: Iterable[Path]) -> None:
    """Write the page of a project, and what it says as JSON.

    Parameters
    ----------
    out
        The page; the JSON lies beside it.
    study
        What the config says.
    admits
        The sessions' records.
    sent_records
        Those of exports and pushes.
    """
    records = [SessionRecord.read(path) for path in admits]
    summary = summarize(Results.of_page(out).project, study, records, Sent.read(sent_records))
    summary.write(out.with_suffix(".json"))
    files.write_text(out, render(summary))


def summarize(
    project: str, study: Study, records: Sequence[SessionRecord], left: Sent
) -> DataProtection:
    """All that the summary says, as one value for the page and for its JSON twin.

    Parameters
    ----------
    project
        Its label.
    study
        What its config says.
    records
        Of its sessions.
    left
        What left for the archive and for other projects.
    """
    settings, exports = study.settings, left.exports
    done = [record for record in records if record.state == "done"]
    refused = [record for record in records if record.state != "done"]
    return DataProtection(
        project=project,
        name=settings["bids"]["name"],
        policies={key: settings["identity"][key] for key in POLICIES},
        keep_quarantine=study.keep_quarantine,
        sessions=len(records),
        admitted=len(done),
        participants=len({record.subject for record in done}),
        refused=tuple(map(_refused, refused)),
        leak_check=leak_check(done),
        leak_refusals=leak_refusals(one.leaks for one in chain(refused, exports)),
        deface=tuple(settings["deface"]),
        faces=faces(done),
        gates=gates(records),
        account=(*accounts(done), *sent.account(exports)),
        editions=editions(records),
        free_texts=free_texts(settings),
        push=sent.pushed(pushed(settings["push"]), left.pushes),
        export=sent.exported(_export(settings["export"]), exports),
        copies=sent.copied(left.copies, left.withdrawn),
        versions=page.versions(records),
    )


def render(summary: DataProtection) -> str:
    """The summary as self-contained HTML; the same input gives the same text."""
    return page.render("data_protection.html", **asdict(summary))


def _refused(record: SessionRecord) -> RefusedSession:
    return RefusedSession(
        subject=record.subject, session=record.session, stage=record.stage, reason=record.reason
    )


def _export(export: Any) -> ExportWanted | None:
    """The export that the config asks for: series, faces, and the project that gets it."""
    if export == "none":
        return None
    settings = export if isinstance(export, dict) else {}
    to = settings.get("to")
    return ExportWanted(
        dicom=settings.get("dicom", "mapped"),
        faces=settings.get("faces", "withhold"),
        to=to["project"] if isinstance(to, dict) else to or "",
        server=to.get("server", "") if isinstance(to, dict) else "",
    )


def leak_refusals(leaks: Iterable[Mapping[str, int]]) -> LeakRefusals:
    """How many sessions the leak check refused, and what it found by kind of identifier."""
    hits = [one for one in leaks if one]
    return LeakRefusals(sessions=len(hits), kinds=_added(hits))


def gates(records: Iterable[SessionRecord]) -> tuple[Gate, ...]:
    """The gates of defacing, each with all the limits that were applied."""
    limits = [row.limits for record in records for row in record.deface if row.limits]
    return tuple(
        Gate(gate=gate, limit="; ".join(sorted({form.format(**one) for one in limits})))
        for gate, form in _GATES
        if limits
    )


def leak_check(records: Iterable[SessionRecord]) -> LeakChecks:
    """The searches of all sessions together: identifiers by kind, files, bytes and hits."""
    checks = [record.leak_check for record in records if record.leak_check]
    return LeakChecks(
        identifiers=sum(check.identifiers for check in checks),
        files=sum(check.files for check in checks),
        bytes=sum(check.bytes for check in checks),
        hits=sum(check.hits for check in checks),
        sessions=len(checks),
        kinds=_added(check.kinds for check in checks),
    )


def faces(records: Iterable[SessionRecord]) -> tuple[Faces, ...]:
    """For each state that defacing left: how many images, and the range of the gates' measures."""
    states: dict[str, list[DefacedImage]] = {}
    for row in (row for record in records for row in record.deface):
        states.setdefault(row.state, []).append(row)
    return tuple(
        Faces(
            state=state,
            images=len(rows),
            changed=_range([row.changed_fraction for row in rows]),
            resemblance=_range([row.resemblance for row in rows]),
        )
        for state, rows in sorted(states.items())
    )


def accounts(records: Iterable[SessionRecord]) -> list[AccountRow]:
    """The values that were removed, changed and kept in all sessions, by rule and edition."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for row in (row for record in records for row in record.protection.account):
        counts[row.action, row.what, row.rule, row.edition] += row.count
    return [
        AccountRow(action=action, what=what, rule=rule, edition=edition, count=count)
        for (action, what, rule, edition), count in sorted(
            counts.items(), key=lambda row: (_ORDER[row[0][0]], row[0])
        )
    ]


def editions(records: Iterable[SessionRecord]) -> dict[str, str]:
    """Each rule book with all the editions that were applied."""
    used: dict[str, set[str]] = {}
    for record in records:
        for name, edition in record.protection.editions.items():
            used.setdefault(name, set()).add(edition)
    return {name: ", ".join(sorted(used[name])) for name in sorted(used)}


def free_texts(settings: Mapping[str, Any]) -> tuple[FreeText, ...]:
    """The values that the config lets through though their text is free: where, and the name."""
    names = [
        ("a sidecar key or a column of events", key) for key in settings["bids"]["sidecar_keys"]
    ]
    tables = {"participants.tsv": settings["participants"], "sessions.tsv": settings["sessions"]}
    for entry in settings["phenotype"]:
        table = f"phenotype/{entry['instrument']}.tsv"
        tables[table] = entry.get("columns") or []
        names += [(table, column) for column in entry.get("strings") or []]
    names += [
        (table, column["name"])
        for table, columns in tables.items()
        for column in columns
        if column.get("format") == "string"
    ]
    return tuple(FreeText(where=where, name=name) for where, name in names)


def pushed(push: Mapping[str, Any]) -> tuple[str, ...]:
    """The things that the config sends back to the archive, in words."""
    return tuple(words for key, words in _PUSHED.items() if push[key])


def _added(kinds: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of counts by kind of identifier, sorted by kind."""
    counts: Counter[str] = Counter()
    for one in kinds:
        counts.update(one)
    return dict(sorted(counts.items()))


def _range(values: Sequence[float]) -> tuple[float, float] | None:
    return (min(values), max(values)) if values else None
