"""The history of an object: .../history of a project, a subject or an experiment.

XNAT tells there of the records of work (/data/workflows), of which it keeps one for each thing
done to an object. Here it has those that clients keep, one for each new label, and, read from
the object itself, that it was made and when it was changed last.
"""

from datetime import datetime
from typing import Any

from localxnat.api import displays
from localxnat.storage.database import Database
from localxnat.storage.registry import Document, Registry
from localxnat.storage.store import Object, now

Event = dict[str, Any]
_DONE = {"status": "Complete", "category": "DATA"}


def events(database: Database, item: Object) -> Event:
    """What was done to the object, the newest last."""
    name = displays.singular(item.xsi_type)
    told = [_read(f"Added {name}", item.insert_user, item.insert_date)]
    if item.last_modified != item.insert_date:
        told.append(_read(f"Modified {name}", item.insert_user, item.last_modified))
    told += [_event(one) for one in Registry(database, "workflow").all() if one["ID"] == item.id]
    return {"events": sorted(told, key=lambda one: one.get("event_date", 0))}


def renamed(database: Database, item: Object, user: str) -> None:
    """Keep a record of a new label."""
    record = {"ID": item.id, "data_type": item.xsi_type, "ExternalID": item.project}
    record |= {"pipeline_name": "Renamed", "launch_time": now(), "insert_user": user} | _DONE
    Registry(database, "workflow").add(record)


def _read(action: str, user: str, when: str) -> Event:
    # What has no record of its own has its time for its number.
    record = {"pipeline_name": action, "insert_user": user, "launch_time": when} | _DONE
    return _event(record | {"id": _milliseconds(when)})


def _event(record: Document) -> Event:
    told = {
        "event_id": record["id"],
        "event_action": record["pipeline_name"],
        "event_date": _milliseconds(record["launch_time"]),
        "event_user": record["insert_user"],
        "event_type": record.get("type"),
        "event_reason": record.get("justification"),
        "event_category": record.get("category"),
        "event_status": record.get("status"),
        "changesets": [],
    }
    return {name: value for name, value in told.items() if value is not None}


def _milliseconds(when: str) -> int | None:
    try:
        return round(datetime.fromisoformat(when).timestamp() * 1000)
    except ValueError:
        return None
