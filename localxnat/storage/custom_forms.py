"""Custom forms, and where each is used: in a project, or with '' in all of them."""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from localxnat.storage.database import Database


@dataclass(frozen=True)
class Use:
    """The use of a form in a project, a row of `custom_form_uses`."""

    id: int
    form: int
    project: str
    status: str


@dataclass(frozen=True)
class Form:
    """A row of `custom_forms`, with its uses; `contents` is the JSON of its builder."""

    id: int
    uuid: str
    datatype: str
    position: int
    contents: str
    user: str
    created: int
    uses: list[Use] = field(default_factory=list)


class CustomForms:
    """The forms of an archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Form]:
        """The forms that are used, by their positions, each with its uses."""
        connection = self._database.connection
        rows = connection.execute("SELECT * FROM custom_forms ORDER BY position, id")
        forms = {row["id"]: Form(**dict(row)) for row in rows.fetchall()}
        uses = connection.execute("SELECT * FROM custom_form_uses ORDER BY id")
        for use in (Use(**dict(row)) for row in uses.fetchall()):
            if use.form in forms:
                forms[use.form].uses.append(use)
        return [form for form in forms.values() if form.uses]

    def find(self, number: str) -> Form | None:
        """A form by its number, without its uses."""
        row = self._database.connection.execute(
            "SELECT * FROM custom_forms WHERE id = ?", (number,)
        ).fetchone()
        return Form(**dict(row)) if row else None

    def used(self, number: str, use: str) -> Form | None:
        """A form by its number, if it has a use of this number; without its uses."""
        row = self._database.connection.execute(
            "SELECT custom_forms.* FROM custom_forms JOIN custom_form_uses AS uses ON form ="
            " custom_forms.id WHERE custom_forms.id = ? AND uses.id = ?",
            (number, use),
        ).fetchone()
        return Form(**dict(row)) if row else None

    def has_data(self, uuid: str) -> bool:
        """Whether anything is filled in, in any object."""
        found = self._database.connection.execute(
            "SELECT 1 FROM objects WHERE instr(json_extract(fields, '$.custom_fields'), ?) LIMIT 1",
            (f'"{uuid}"',),
        )
        return found.fetchone() is not None

    def add(self, uuid: str, datatype: str, position: int, contents: str, user: str) -> int:
        """A new form, without uses; its number."""
        with self._database.write() as connection:
            number = connection.execute(
                "INSERT INTO custom_forms (uuid, datatype, position, contents, user, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (uuid, datatype, position, contents, user, int(time.time() * 1000)),
            ).lastrowid
        assert number is not None
        return number

    def change(self, form: Form, position: int, contents: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE custom_forms SET contents = ?, position = ? WHERE id = ?",
                (contents, position, form.id),
            )

    def use(self, number: int, projects: Iterable[str]) -> None:
        """Enable a form in projects; '' is all of them."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO custom_form_uses (form, project, status)"
                " VALUES (?, ?, 'enabled')",
                [(number, project) for project in projects],
            )

    def set_status(self, use: str, status: str) -> None:
        with self._database.write() as connection:
            connection.execute("UPDATE custom_form_uses SET status = ? WHERE id = ?", (status, use))

    def remove_use(self, use: str) -> None:
        """End a use, and with its last one the form."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM custom_form_uses WHERE id = ?", (use,))
            drop_unused(connection)


def drop_unused(connection: sqlite3.Connection) -> None:
    """Remove the forms that are used nowhere."""
    connection.execute(
        "DELETE FROM custom_forms WHERE id NOT IN (SELECT form FROM custom_form_uses)"
    )
