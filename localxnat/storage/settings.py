"""The settings of the site, in the database; what nobody set has XNAT's default."""

import json
from collections.abc import Callable, Mapping

from localxnat import jsons
from localxnat.storage.database import Database

Value = object
"""Anything that JSON has."""

DEFAULTS: dict[str, Value] = {
    "siteId": "LOCAL",
    "siteUrl": "",
    "siteDescriptionText": "",
    "adminEmail": "admin@localhost",
    # Without it, guests see public projects.
    "requireLogin": True,
    "userRegistration": False,
    "enableCsrfToken": False,
    "sessionTimeout": "15 minutes",
    "concurrentMaxSessions": 1000,
    "initialized": True,
    "uiAllowNonAdminProjectCreation": True,
    "enableSitewideAnonymizationScript": False,
    "sitewideAnonymizationScript": "",
    "checksums": True,
    "restrictUserListAccessToAdmins": True,
    "preventCrossModalityMerge": True,
    "useSopInstanceUidToUniquelyIdentifyDicom": True,
    "sitewidePetTracers": "",
}
# Who may read a setting: guests too, all who are logged in; any other administrators alone.
OPEN = {
    "siteId", "siteUrl", "siteDescriptionText", "requireLogin", "userRegistration", "initialized",
    "enableCsrfToken", "sessionTimeout",
}  # fmt: skip
FOR_USERS = {
    "checksums", "restrictUserListAccessToAdmins", "sitewidePetTracers",
    "uiAllowNonAdminProjectCreation", "enableSitewideAnonymizationScript",
}  # fmt: skip


# What else the server itself reads of them.
_READ: dict[str, Callable[[Value, str], Value]] = {
    "sessionXmlRebuilderInterval": jsons.as_number,
    "eventServiceEnabled": jsons.as_flag,
}


class Settings:
    """The settings by their names. What is set to null has its default again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Value]:
        rows = self._database.connection.execute("SELECT name, value FROM settings")
        return DEFAULTS | {row["name"]: json.loads(row["value"]) for row in rows}

    def get(self, name: str) -> Value:
        """A setting; None if there is none of this name."""
        row = self._database.connection.execute(
            "SELECT value FROM settings WHERE name = ?", (name,)
        ).fetchone()
        return json.loads(row["value"]) if row else DEFAULTS.get(name)

    def set(self, changes: Mapping[str, Value]) -> None:
        """Set some of them; 400, and none is set, for a value of another type than it should be."""
        checked = {name: _fitting(name, value) for name, value in changes.items()}
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM settings WHERE name = ?", [(name,) for name in checked]
            )
            connection.executemany(
                "INSERT INTO settings VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in checked.items() if value is not None],
            )


def _fitting(name: str, value: Value) -> Value:
    """A value of the type that the setting's default has; any, where there is none."""
    if value is None:
        return None
    if name in _READ:
        return _READ[name](value, name)
    default = DEFAULTS.get(name)
    if isinstance(default, bool):
        return jsons.as_flag(value, name)
    if isinstance(default, int):
        return jsons.as_whole(value, name)
    return jsons.as_text(value, name) if isinstance(default, str) else value
