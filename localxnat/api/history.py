"""The history of an object: .../history of a project, a subject or an experiment.

XNAT tells there of the records of work (/data/workflows), of which it keeps one for each thing
done to an object. Here it has those that clients keep, one for each new label, and, read from
the object itself, that it was made and when it was changed last.
"""

from dataclasses import dataclass
from datetime import datetime

from localxnat.api import displays
from localxnat.storage.database import Database
from localxnat.storage.registry import Document, Registry
from localxnat.storage.store import Object, now

_DONE = {"status": "Complete", "category": "DATA"}


@dataclass(frozen=True)
class Event:
    """One thing that was done to an object, by whom and when, in milliseconds."""

    number: object
    action: object
    user: object
    date: int | None
    type: object = None
    reason: object = None
    category: object = "DATA"
    status: object = "Complete"

    def row(self) -> dict[str, object]:
        """The event as XNAT has it, without what nobody said."""
        values = {
            "event_id": self.number,
            "event_action": self.action,
            "event_date": self.date,
            "event_user": self.user,
            "event_type": self.type,
            "event_reason": self.reason,
            "event_category": self.category,
            "event_status": self.status,
            "changesets": [],
        }
        return {name: value for name, value in values.items() if value is not None}


def events(database: Database, item: Object) -> dict[str, list[dict[str, object]]]:
    """The answer with all that was done to the object, the newest last."""
    name = displays.singular(item.xsi_type)
    found = [_noted(f"Added {name}", item.insert_user, item.insert_date)]
    if item.last_modified != item.insert_date:
        found.append(_noted(f"Modified {name}", item.insert_user, item.last_modified))
    records = Registry(database, "workflow").all()
    found += [_recorded(one) for one in records if one["ID"] == item.id]
    return {"events": [one.row() for one in sorted(found, key=lambda one: one.date or 0)]}


def renamed(database: Database, item: Object, user: str) -> None:
    """Keep a record of a new label."""
    record: Document = {"ID": item.id, "data_type": item.xsi_type, "ExternalID": item.project}
    record |= {"pipeline_name": "Renamed", "launch_time": now(), "insert_user": user} | _DONE
    Registry(database, "workflow").add(record)


def _noted(action: str, user: str, when: str) -> Event:
    # What has no record of its own has its time for its number.
    return Event(_milliseconds(when), action, user, _milliseconds(when))


def _recorded(record: Document) -> Event:
    return Event(
        record["id"],
        record["pipeline_name"],
        record["insert_user"],
        _milliseconds(str(record["launch_time"])),
        record.get("type"),
        record.get("justification"),
        record.get("category"),
        record.get("status"),
    )


def _milliseconds(when: str) -> int | None:
    try:
        return round(datetime.fromisoformat(when).timestamp() * 1000)
    except ValueError:
        return None
