"""Objects under another label or in another project, with their folders."""

from dataclasses import replace

from localxnat.errors import Refused
from localxnat.storage.notes import Notes
from localxnat.storage.store import Object

GONE = "The object was deleted meanwhile."


class Moves(Notes):
    """Objects get new labels and projects; their folders go along."""

    def rename(self, item: Object, label: str) -> None:
        """Give an object a new label; 409 if it is taken."""
        self.move(item, item.project, label)

    def move(self, item: Object, project: str, label: str) -> None:
        """Give an object to a project, under a label that is free there (409 if it is taken).

        A session takes its scans and its own project's assessors along, a subject goes alone.
        The share that it has there, if any, ends.
        """
        with self._exclusive():
            with self.store.database.write() as connection:
                current = self.store.by_pk(item.pk)
                if current is None:
                    raise Refused(404, GONE)
                moved = replace(current, project=project, label=label)
                old = self.object_folder(current).as_posix()
                new = self.object_folder(moved).as_posix()
                self._check_free(current, moved)
                if old != new and (self.root / new).exists():
                    raise Refused(409, "The label is in use.")
                note = (item.pk, label, project, old, new)
                connection.execute("INSERT OR REPLACE INTO moving VALUES (?, ?, ?, ?, ?)", note)
            if (self.root / old).exists():
                (self.root / new).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                (self.root / old).rename(self.root / new)
            with self.store.database.write() as connection:
                self._relabel(connection, *note)
        item.label, item.project = label, project

    def _check_free(self, current: Object, moved: Object) -> None:
        """409 if another object has one of the labels that are to be there."""
        parts = []
        if current.kind == "experiment" and moved.project != current.project:
            parts = [
                one
                for one in self.store.children(current, "assessor")
                if one.project == current.project
            ]
        for one in (moved, *parts):
            taken = self.store.labelled(one.kind, one.label, moved.project)
            if taken is not None and taken.pk != one.pk:
                raise Refused(409, "The label is in use.")
