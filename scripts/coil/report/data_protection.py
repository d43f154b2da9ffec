"""The data protection summary of a project: one page that an ethics board can read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from coil.report import page

Record = Mapping[str, Any]


def render(
    project: str,
    settings: Mapping[str, Any],
    records: Sequence[Record],
    versions: Mapping[str, str],
    keep_quarantine: bool = False,
) -> str:
    """The summary as self-contained HTML; the same input gives the same text.

    project         its label
    settings        the project's config: identity, deface, bids, participants, sessions,
                    phenotype, push, export
    records         of its sessions (admit.json)
    versions        program to version
    keep_quarantine whether the config keeps the identified files of failed sessions
    """
    done = [record for record in records if record["state"] == "done"]
    return page.render(
        "data_protection.html",
        project=project,
        name=settings["bids"]["name"],
        identity=settings["identity"],
        keep_quarantine=keep_quarantine,
        sessions=records,
        done=done,
        refused=[record for record in records if record["state"] != "done"],
        participants=len({record["subject"] for record in done}),
        leak=leak_check(done),
        suffixes=settings["deface"],
        faces=faces(done),
        account=accounts(done),
        editions=editions(records),
        texts=free_texts(settings),
        push=pushed(settings["push"]),
        export=settings["export"],
        versions=versions,
    )


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
    """What was removed, changed and kept in all sessions together, by rule."""
    counts: dict[tuple[str, str, str], int] = {}
    for record in records:
        for row in (record.get("protection") or {}).get("account") or []:
            key = (row["action"], row["what"], row["rule"])
            counts[key] = counts.get(key, 0) + row["count"]
    return [
        {"action": action, "what": what, "rule": rule, "count": count}
        for (action, what, rule), count in sorted(counts.items())
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
