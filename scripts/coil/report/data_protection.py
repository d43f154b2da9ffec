"""The data protection summary of a project: one page that an ethics board can read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from coil.report import page, sent

Record = Mapping[str, Any]
POLICIES = ("subjects", "sessions", "dates", "time_of_day")
_ACCOUNT = ("action", "what", "rule", "edition")


def summarize(
    project: str,
    settings: Mapping[str, Any],
    records: Sequence[Record],
    sent_records: Mapping[str, Mapping[str, Record]],
    versions: Mapping[str, str],
    keep_quarantine: bool = False,
) -> dict[str, Any]:
    """All that the summary says, as one value for the page and for its JSON twin.

    project         its label
    settings        the project's config: identity, deface, bids, participants, sessions,
                    phenotype, push, export
    records         of its sessions (admit.json)
    sent_records    by name (export, push, push_dicom, withdraw_dicom) the records by unit
    versions        program to version
    keep_quarantine whether the config keeps the identified files of failed sessions
    """
    done = [record for record in records if record["state"] == "done"]
    refused = [record for record in records if record["state"] != "done"]
    of_sessions = {k: v for k, v in sent_records.get("export", {}).items() if k != "project"}
    exports = of_sessions.values()
    identity = settings["identity"]
    return {
        "project": project,
        "name": settings["bids"]["name"],
        "policies": {key: identity[key] for key in POLICIES},
        "keep_quarantine": keep_quarantine,
        "sessions": len(records),
        "admitted": len(done),
        "participants": len({record["subject"] for record in done}),
        "refused": [
            {key: record.get(key) for key in ("subject", "session", "stage", "reason")}
            for record in refused
        ],
        "leak_check": leak_check(done),
        "leak_refusals": leak_refusals([*refused, *exports]),
        "deface": list(settings["deface"]),
        "faces": faces(done),
        "gates": gates(records),
        "account": accounts(done) + sent.account(exports),
        "editions": editions(records),
        "free_texts": free_texts(settings),
        "push": {"wanted": pushed(settings["push"])} | sent.summary(sent_records.get("push", {})),
        "export": {"wanted": _export(settings["export"])} | sent.exported(exports),
        "copies": sent.summary(sent_records.get("push_dicom", {}))
        | {"withdrawn": withdrawn(sent_records)},
        "versions": dict(versions),
    }


def render(summary: Mapping[str, Any]) -> str:
    """The summary as self-contained HTML; the same input gives the same text."""
    return page.render("data_protection.html", **summary)


def _export(export: Any) -> dict[str, str] | None:
    """What the config says of the export: series, faces, and the project that gets it."""
    if export == "none":
        return None
    given = export if isinstance(export, dict) else {}
    to = given.get("to")
    return {
        "dicom": given.get("dicom", "mapped"),
        "faces": given.get("faces", "withhold"),
        "to": to["project"] if isinstance(to, dict) else to or "",
        "server": to.get("server", "") if isinstance(to, dict) else "",
    }


def withdrawn(sent_records: Mapping[str, Mapping[str, Record]]) -> int:
    """How many sessions were taken back from the other project: those that the archive lost."""
    records = sent_records.get("withdraw_dicom", {}).values()
    return sum(len(record.get("removed", ())) for record in records)


def leak_refusals(records: Iterable[Record]) -> dict[str, Any]:
    """How many sessions the leak check refused, and what it found by kind of identifier."""
    found = [record["leaks"] for record in records if record.get("leaks")]
    kinds: Counter[str] = Counter()
    for leaks in found:
        kinds.update(leaks)
    return {"sessions": len(found), "kinds": dict(sorted(kinds.items()))}


def gates(records: Iterable[Record]) -> list[dict[str, str]]:
    """The gates of defacing, each with all the limits that were applied."""
    limits = [
        row["limits"]
        for record in records
        for row in record.get("deface") or []
        if row.get("limits")
    ]
    told = [
        ("resemblance to the average head after registration", "{resemblance_min} or more"),
        (
            "share of the head that goes",
            "{changed_fraction_min:.0%} to {changed_fraction_max:.0%}",
        ),
        ("how deep it goes in the upper head", "at most {brain_depth_mm:.0f} mm below the skin"),
    ]
    return [
        {"gate": gate, "limit": "; ".join(sorted({form.format(**one) for one in limits}))}
        for gate, form in told
        if limits
    ]


def leak_check(records: Iterable[Record]) -> dict[str, Any]:
    """What was searched in all sessions together: identifiers by kind, files, bytes and hits."""
    checks = [record["leak_check"] for record in records if record.get("leak_check")]
    kinds: Counter[str] = Counter()
    for check in checks:
        kinds.update(check.get("kinds") or {})
    sums = {key: sum(c[key] for c in checks) for key in ("identifiers", "files", "bytes", "hits")}
    return sums | {"sessions": len(checks), "kinds": dict(sorted(kinds.items()))}


def faces(records: Iterable[Record]) -> list[dict[str, Any]]:
    """For each state that defacing left: how many images, and the range of the gates' measures."""
    states: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        for row in record.get("deface") or []:
            states.setdefault(row["state"], []).append(row)
    return [
        {
            "state": state,
            "images": len(rows),
            "changed": _range(rows, "changed_fraction"),
            "resemblance": _range(rows, "resemblance"),
        }
        for state, rows in sorted(states.items())
    ]


def accounts(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What was removed, changed and kept in all sessions together, by rule and edition."""
    counts: Counter[tuple[str, ...]] = Counter()
    for record in records:
        for row in (record.get("protection") or {}).get("account") or []:
            counts[tuple(row[key] for key in _ACCOUNT)] += row["count"]
    order = {"removed": 0, "changed": 1, "kept": 2}
    return [
        dict(zip(_ACCOUNT, key, strict=True)) | {"count": counts[key]}
        for key in sorted(counts, key=lambda key: (order[key[0]], key))
    ]


def editions(records: Iterable[Record]) -> dict[str, str]:
    """Each rule book with all the editions that were applied."""
    used: dict[str, set[str]] = {}
    for record in records:
        for name, edition in ((record.get("protection") or {}).get("editions") or {}).items():
            used.setdefault(name, set()).add(edition)
    return {name: ", ".join(sorted(used[name])) for name in sorted(used)}


def free_texts(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the config lets through though its text is free: where, and the name."""
    found = [
        ("a sidecar key or a column of events", key) for key in settings["bids"]["sidecar_keys"]
    ]
    tables = {"participants.tsv": settings["participants"], "sessions.tsv": settings["sessions"]}
    for entry in settings["phenotype"]:
        name = f"phenotype/{entry['instrument']}.tsv"
        tables[name] = entry.get("columns") or []
        found += [(name, column) for column in entry.get("strings") or []]
    found += [
        (place, column["name"])
        for place, columns in tables.items()
        for column in columns
        if column.get("format") == "string"
    ]
    return [{"where": where, "name": name} for where, name in found]


def pushed(push: Mapping[str, Any]) -> list[str]:
    """What the config sends back to the archive, in words."""
    what = {
        "reports": "reports and numbers of quality control",
        "bids_resources": "anonymized images and their sidecars",
        "derivatives": "files of the analyses",
        "assessor": "numbers of quality control as an assessor",
    }
    return [words for key, words in what.items() if push[key]]


def _range(rows: Iterable[Mapping[str, Any]], key: str) -> tuple[float, float] | None:
    values = [row[key] for row in rows if row.get(key) is not None]
    return (min(values), max(values)) if values else None
