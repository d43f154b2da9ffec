"""The history of an object: .../history of a project, a subject or an experiment.

XNAT builds it from all that was done to an object. Here it has that the object was made, that it
was changed last, and the records of work that clients keep (/data/workflows).
"""

from typing import Any

from localxnat.storage.database import Database
from localxnat.storage.registry import Registry
from localxnat.storage.store import Object

Event = dict[str, Any]


def changesets(database: Database, item: Object) -> dict[str, Any]:
    """The object's changesets, the newest first."""
    events = [_event("Added", item.insert_user, item.insert_date)]
    if item.last_modified != item.insert_date:
        events.append(_event("Modified", item.insert_user, item.last_modified))
    events += [
        _event(one["pipeline_name"], one["insert_user"], one["launch_time"], one.get("status", ""))
        | {"event_id": one["id"]}
        for one in Registry(database, "workflow").all()
        if one["ID"] == item.id
    ]
    events.sort(key=lambda one: one["event_date"], reverse=True)
    return {"changesets": [{"date": one["event_date"], "events": [one]} for one in events]}


def _event(action: str, user: str, when: str, status: str = "Complete") -> Event:
    return {"event_action": action, "event_user": user, "event_date": when, "event_status": status}
