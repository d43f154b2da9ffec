"""The subjects and sessions of a project, its own and guests, by their labels there."""

import json
from typing import NamedTuple

from localxnat.storage.database import Database
from localxnat.storage.listings import objects
from localxnat.storage.store import Object

_MEMBERS = """SELECT pk, label, parent FROM objects WHERE project = :project AND kind = '{kind}'
 UNION ALL SELECT pk, shares.label, parent FROM shares JOIN objects ON pk = object
 WHERE shares.project = :project AND kind = '{kind}'"""
_SUBJECTS, _SESSIONS = _MEMBERS.format(kind="subject"), _MEMBERS.format(kind="experiment")


class Member(NamedTuple):
    """An object's key, and its label in the project."""

    pk: int
    label: str


class Labelled(NamedTuple):
    """An object, and its label in the project."""

    item: Object
    label: str


class Members:
    """The members of one project."""

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self._project = project

    def count(self, kind: str) -> int:
        """The number of subjects (`subject`) or sessions (`experiment`) that it has."""
        statement = f"SELECT COUNT(*) FROM ({_MEMBERS.format(kind=kind)})"
        return self._database.connection.execute(statement, {"project": self._project}).fetchone()[
            0
        ]

    def subjects(self, text: str = "") -> list[Member]:
        """Its subjects; only those with a text, in lower case, in their label or a session's."""
        return self._select(
            f"WITH sessions AS ({_SESSIONS}) SELECT pk, label FROM ({_SUBJECTS})"
            " WHERE instr(lower(label), :text) OR pk IN (SELECT parent FROM sessions"
            " WHERE instr(lower(label), :text)) ORDER BY label",
            text=text,
        )

    def sessions(self, subjects: list[int]) -> list[Member]:
        """The sessions that it has of subjects."""
        return self._select(
            f"SELECT pk, label FROM ({_SESSIONS})"
            " WHERE parent IN (SELECT value FROM json_each(:parents)) ORDER BY label",
            parents=json.dumps(subjects),
        )

    def guests(self, most: int) -> list[Member]:
        """Sessions that are shared with it without their subjects, so many of them."""
        return self._select(
            f"SELECT pk, label FROM ({_SESSIONS})"
            f" WHERE parent NOT IN (SELECT pk FROM ({_SUBJECTS})) ORDER BY label LIMIT {most}"
        )

    def _select(self, statement: str, **values: str) -> list[Member]:
        rows = self._database.connection.execute(statement, {"project": self._project, **values})
        return [Member(*row) for row in rows.fetchall()]

    def objects(self, members: list[Member]) -> list[Labelled]:
        """The objects of members, each with its label here."""
        found = objects(self._database, (one.pk for one in members))
        return [Labelled(found[pk], label) for pk, label in members if pk in found]
