"""The settings of the site, in the database; what nobody set has XNAT's default."""

import json
from typing import Any

from localxnat.storage.database import Database

DEFAULTS: dict[str, Any] = {
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


class Settings:
    """Names and values, which are anything that JSON has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Any]:
        rows = self._database.connection.execute("SELECT name, value FROM settings")
        return DEFAULTS | {row["name"]: json.loads(row["value"]) for row in rows}

    def get(self, name: str) -> Any:
        """A setting; None if there is none of this name."""
        row = self._database.connection.execute(
            "SELECT value FROM settings WHERE name = ?", (name,)
        ).fetchone()
        return json.loads(row["value"]) if row else DEFAULTS.get(name)

    def set(self, changes: dict[str, Any]) -> None:
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in changes.items()],
            )
