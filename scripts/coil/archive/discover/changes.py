"""The sessions against what the last invocation left of them.

A session's file (`ListedSession`) is rewritten only when the archive holds other data of it,
because its time is what Snakemake goes by. The index (`ListedIndex`) says how each was listed:
with it an invocation where nothing changed reads no session's file.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import structs

from coil import files
from coil.archive import contents
from coil.archive.client import Archive
from coil.archive.listing import Session
from coil.records.held import HeldFiles
from coil.records.listed import ListedIndex
from coil.records.listing import ListedSession, Scan
from coil.workspace import Private

_COUNTS = ("files", "bytes")


@dataclass(frozen=True)
class Compared:
    """A session as it is now: its unit, how it is listed, and its record where data are others.

    `listed` is the digest of its scans, and when it was last touched; `changed` is what to
    write, None where the data are as the last invocation left them.
    """

    session: Session
    unit: str
    listed: tuple[str, str]
    changed: ListedSession | None


@dataclass(frozen=True)
class Scope:
    """The parts of a session that are compared: images and these resources; `thorough`: always.

    A server may not tell that a file of a scan was replaced: not by its size, if that is the
    same, and not by the session's time, which is that of its own entry. Then only the
    digests of all files tell, which is a request a session.
    """

    resources: Sequence[str]
    thorough: bool = False


class Notes:
    """The records that earlier invocations left of a project's sessions."""

    def __init__(self, private: Private) -> None:
        self._private = private
        index = ListedIndex.read_or_none(private.listed)
        self._listed = index.sessions if index else {}
        self.times: dict[str, int] = {}
        """When each unit's file was written, in nanoseconds."""
        if private.sessions.is_dir():
            with os.scandir(private.sessions) as entries:
                self.times = {
                    entry.name.removesuffix(".json"): entry.stat().st_mtime_ns
                    for entry in entries
                    if entry.name.endswith(".json") and not entry.name.startswith(".")
                }

    def compare(
        self, archive: Archive, session: Session, unit: str, scans: Sequence[Scan], scope: Scope
    ) -> Compared:
        """The session as it is now, with the `scans` that are taken, against its last record.

        Where the listing does not tell, or always if it is to be thorough, the session's files
        are listed.
        """
        listed = (listing_digest(scans), session.last_modified)
        before = self._listed.get(session.id)
        if unit in self.times and before == listed and not scope.thorough:
            return Compared(session, unit, listed, None)
        known = ListedSession.read_or_none(self._private.session(unit))
        held = ""
        if known and _alike(known.scans, scans):
            # Something was touched that the listing does not show, or was counted meanwhile.
            held = self._held(archive, session, unit, scope.resources, known.held)
            if held == known.held:
                return Compared(session, unit, listed, None)
        changed = ListedSession(
            scans=tuple(scans),
            held=held,
            fingerprint=fingerprint(listed[0], held),
            home_labels=session.home_labels,  # what a job must not let out, either
        )
        return Compared(session, unit, listed, changed)

    def write(self, sessions: Sequence[Compared]) -> None:
        """Leave these sessions, and only these; what was known of others stays in their files."""
        for one in sessions:
            if one.changed is not None:
                path = self._private.session(one.unit)
                record = structs.replace(one.changed, salt=secrets.token_hex(16))
                files.write_text(path, _compact(record), 0o600)
                self.times[one.unit] = path.stat().st_mtime_ns
        index = ListedIndex(sessions={one.session.id: one.listed for one in sessions})
        files.write_if_changed(self._private.listed, _compact(index), 0o600)

    def _held(
        self, archive: Archive, session: Session, unit: str, resources: Sequence[str], held: str
    ) -> str:
        """A digest of the archive's files, if they are others than were pulled; else `held`."""
        pulled = HeldFiles.read_or_none(self._private.pulled(unit))
        if pulled is None:
            return held
        now = contents.digest(contents.list_files(archive, session.id, resources))
        return held if contents.same(now, pulled.held) else now


def _compact(record: ListedSession | ListedIndex) -> str:
    """A record in one line: there are many, and large ones."""
    return json.dumps(record.fields(), ensure_ascii=False) + "\n"


def _alike(scans: Sequence[Scan], others: Sequence[Scan]) -> bool:
    """Whether scans are listed alike but for counts that the archive did not have once."""
    return len(scans) == len(others) and all(
        getattr(one, key) == getattr(other, key)
        or (key in _COUNTS and None in (getattr(one, key), getattr(other, key)))
        for one, other in zip(scans, others, strict=True)
        for key in Scan.__struct_fields__
    )


def listing_digest(scans: Sequence[Scan]) -> str:
    """A digest of scans as they are listed: of no label of the session, and of no time."""
    return hashlib.sha256(msgspec.json.encode(scans)).hexdigest()[:16]


def fingerprint(listed: str, held: str) -> str:
    """A digest that changes when the listing of the data or a file's digest does."""
    return hashlib.sha256(f"{listed} {held}".encode()).hexdigest()[:16]
