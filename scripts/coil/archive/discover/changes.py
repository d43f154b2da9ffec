"""What is noted of each session, so that the next invocation knows what changed.

private/NAME/sessions/UNIT.json  what the archive holds for a session: its scans as listed, a
                                 digest of its files where the listing could not tell (`held`),
                                 and a fingerprint of both; rewritten only when that changes,
                                 because its time is what Snakemake goes by
private/NAME/listed.json         for each session ID a digest of the scans as they were listed,
                                 and when the session was last touched. With it an invocation
                                 where nothing changed reads none of the files above
"""

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from coil import files
from coil.archive import contents
from coil.archive.client import Archive
from coil.archive.listing import Session
from coil.records.held import HeldFiles
from coil.records.listed import ListedIndex
from coil.records.listing import ListedSession, Scan

_COUNTS = ("files", "bytes")


@dataclass(frozen=True)
class Noted:
    """A session as it is now: its unit, what to note, and whether its data are other ones."""

    session: Session
    unit: str
    listed: tuple[str, str]
    state: ListedSession | None
    """What to write; None where the data are as noted."""


@dataclass(frozen=True)
class Look:
    """What to look at of a session: its images and these resources; `thorough`: in any case.

    A server may not tell that a file of a scan was replaced: not by its size, if that is the
    same, and not by the session's time, which is that of its own entry. Then only the
    digests of all files tell, which is a request a session.
    """

    events: list[str]
    thorough: bool = False


class Notes:
    """What earlier invocations noted of a project's sessions."""

    def __init__(self, private: Path) -> None:
        self._private = private
        self._folder = private / "sessions"
        index = ListedIndex.read_or_none(private / "listed.json") or ListedIndex()
        self._listed = index.sessions
        self.times: dict[str, int] = {}
        """When each unit's file was written, in nanoseconds."""
        if self._folder.is_dir():
            with os.scandir(self._folder) as entries:
                self.times = {
                    entry.name.removesuffix(".json"): entry.stat().st_mtime_ns
                    for entry in entries
                    if entry.name.endswith(".json") and not entry.name.startswith(".")
                }

    def compare(
        self, archive: Archive, session: Session, unit: str, scans: list[Scan], look: Look
    ) -> Noted:
        """The session as it is now, with the `scans` that are taken, against what is noted.

        Where the listing does not tell, or always if it is to be thorough, it looks at the
        session's files.
        """
        listed = (listing_digest(scans), session.last_modified)
        before = self._listed.get(session.id)
        if unit in self.times and before == listed and not look.thorough:
            return Noted(session, unit, listed, None)
        known, held = ListedSession.read_or_none(self._folder / f"{unit}.json"), ""
        if known and _alike(known.scans, scans):
            # Something was touched that the listing does not show, or was counted meanwhile.
            held = self._look(archive, session, unit, look.events, known.held)
            if held == known.held:
                return Noted(session, unit, listed, None)
        state = ListedSession(
            scans=tuple(scans),
            held=held,
            fingerprint=fingerprint(listed[0], held),
            home_labels=session.home_labels,  # what a job must not let out, either
        )
        return Noted(session, unit, listed, state)

    def write(self, noted: Sequence[Noted]) -> None:
        """Note these sessions, and only these; what was known of others stays in their files."""
        for one in noted:
            if one.state is not None:
                path = self._folder / f"{one.unit}.json"
                structs.replace(one.state, salt=secrets.token_hex(16)).write(path, 0o600)
                self.times[one.unit] = path.stat().st_mtime_ns
        index = ListedIndex(sessions={one.session.id: one.listed for one in noted})
        text = json.dumps(index.fields(), ensure_ascii=False) + "\n"
        files.write_if_changed(self._private / "listed.json", text, 0o600)

    def _look(
        self, archive: Archive, session: Session, unit: str, events: list[str], held: str
    ) -> str:
        """What the archive holds now, if it is other than what was pulled; else `held`."""
        pulled = HeldFiles.read_or_none(self._private / "pulled" / f"{unit}.json")
        if pulled is None:
            return held
        now = contents.digest(contents.list_files(archive, session.id, events))
        return held if contents.same(now, pulled.held) else now


def _alike(scans: Sequence[Scan], others: Sequence[Scan]) -> bool:
    """Whether scans are listed alike but for counts that the archive did not have once."""
    return len(scans) == len(others) and all(
        structs.replace(one, files=0, bytes=0) == structs.replace(other, files=0, bytes=0)
        and all(
            getattr(one, key) == getattr(other, key)
            or None in (getattr(one, key), getattr(other, key))
            for key in _COUNTS
        )
        for one, other in zip(scans, others, strict=True)
    )


def listing_digest(scans: Sequence[Scan]) -> str:
    """A digest of scans as they are listed: of no label of the session, and of no time."""
    return hashlib.sha256(
        json.dumps([structs.astuple(scan) for scan in scans]).encode()
    ).hexdigest()[:16]


def fingerprint(listed: str, held: str) -> str:
    """A digest that changes when the listing of the data or a file's digest does."""
    return hashlib.sha256(f"{listed} {held}".encode()).hexdigest()[:16]
