"""The lock of what a run made, compared with the lock that it was to be like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coil import __version__, files
from coil.deid.identity.identities import project_secret
from coil.records.lock import Digests, Lock, read_lock
from coil.records.session import SessionRecord
from coil.run import lock, lock_digests
from coil.workspace import Private, Results


@dataclass(frozen=True)
class Made:
    """The results of a run in a project, and what they were made with.

    records     of all its sessions
    parts       digests of the config, the code and the environments, as `locked.parts` has them
    identity    the project's settings of pseudonyms
    """

    results: Results
    private: Private
    records: Iterable[Path]
    parts: Mapping[str, Digests]
    identity: Mapping[str, Any]

    def lock(self) -> Lock:
        """The lock of its datasets."""
        secret = project_secret(self.identity.get("secret_file"), self.private.root)
        sessions = self._sessions()
        return Lock(
            project=self.results.project,
            coil=__version__,
            commit=lock_digests.commit(),
            config=self.parts["config"],
            code=self.parts["code"],
            environments=self.parts["environments"],
            versions=lock_digests.stage_versions(sessions.values()),
            secret=lock_digests.secret_digest(secret),
            archive=lock_digests.archive_digests(self.private, sessions, secret),
            datasets=self._datasets(sessions.values()),
        )

    def _sessions(self) -> dict[str, SessionRecord]:
        """The records of the sessions that are in the dataset, by unit."""
        records = {path.parent.name: SessionRecord.read(path) for path in self.records}
        return {unit: record for unit, record in records.items() if record.state == "done"}

    def _datasets(self, sessions: Iterable[SessionRecord]) -> Digests:
        """The digest of each dataset's tree, by its folder."""
        known = {path: digest for record in sessions for path, digest in record.files.items()}
        derived = sorted(path for path in self.results.derivatives.glob("*") if path.is_dir())
        return {
            "bids": lock_digests.tree_digest(self.results.bids, known),
            **{f"derivatives/{p.name}": lock_digests.tree_digest(p, {}) for p in derived},
        }


def write_lock(made: Made, like: Iterable[Path], path: Path) -> None:
    """Write the lock of what was made.

    Raises `ConfigError` where it is not as those in the files `like`, from which the run was
    locked.
    """
    now = made.lock()
    for before in map(read_lock, like):
        lock.refuse(before, lock.differences(before, now))
    files.write_text(path, now.as_result(str(path)))
