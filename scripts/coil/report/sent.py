"""What left for the archive and for other projects, counted from the receipts of the pushes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]
_IMAGES, _DICOM = "anonymized images and their sidecars", "de-identified DICOM files"


def summary(receipts: Mapping[str, Record]) -> dict[str, Any]:
    """What the receipts of sessions (by unit; `project` is the project's own) say together.

    `rows` has for each kind of thing how many sessions and files are there now, `states` how many
    sessions were done, skipped and so on, `left` how often somebody else's data were left alone,
    `removed` how many things of ours were removed.
    """
    files: Counter[str] = Counter()
    sessions: Counter[str] = Counter()
    for unit, receipt in receipts.items():
        kinds = Counter(map(_kind, receipt.get("files", {})))
        files.update(kinds)
        sessions.update(dict.fromkeys(kinds, int(unit != "project")))
    units = [receipt for unit, receipt in receipts.items() if unit != "project"]
    return {
        "rows": [
            {"what": what, "sessions": sessions[what], "files": count}
            for what, count in sorted(files.items())
        ],
        "states": dict(sorted(Counter(receipt["state"] for receipt in units).items())),
        "left": sum(len(receipt.get("left", ())) for receipt in receipts.values()),
        "removed": sum(len(receipt.get("removed", ())) for receipt in receipts.values()),
    }


def exported(records: Iterable[Record]) -> dict[str, Any]:
    """What became of the series in the exports of all sessions (export.json)."""
    records = list(records)
    series = [row for record in records for row in record["series"]]
    counts = Counter((row["state"], row["reason"]) for row in series)
    done = [record for record in records if record["state"] == "done"]
    profiles = [record["profile"] for record in done]
    return {
        "sessions": len(done),
        "failed": [
            {key: record[key] for key in ("subject", "session", "reason")}
            for record in records
            if record["state"] != "done"
        ],
        "files": sum(record["files"] for record in done),
        "searched": sum(record["leak_check"]["files"] for record in done),
        "series": [
            {"state": state, "reason": reason, "count": count}
            for (state, reason), count in sorted(counts.items())
        ],
        "tables": sorted({profile["table"] for profile in profiles}),
        "options": sorted({option for profile in profiles for option in profile["options"]}),
    }


def account(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What the exports changed, as a row of the account of all sessions, by edition."""
    files: Counter[str] = Counter()
    for record in records:
        if record["state"] == "done":
            profile = record["profile"]
            files[f"{profile['table']}; {profile['allow_list']}"] += record["files"]
    return [
        {
            "action": "changed",
            "what": "headers of DICOM files",
            "rule": "only attributes of their SOP class that Annex E and the config let stay",
            "edition": edition,
            "count": count,
        }
        for edition, count in sorted(files.items())
        if count
    ]


def _kind(name: str) -> str:
    """What a file of a receipt is, by the name that the receipt gives it."""
    first, *rest = name.split("/")
    if first == "scans":
        return _DICOM if rest[1] == "DICOM" else _IMAGES
    if first == "resources":
        return "files of the analyses"
    return "numbers as an assessor" if name == "assessor" else "reports and their numbers"
