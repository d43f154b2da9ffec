"""One login at the archive for all jobs of a run.

XNAT counts the logins of a user, and a thousand forgotten ones lock the person out. So the
first who needs one logs in and leaves the server's session ID in a file of mode 0600; every
other job uses that. When the archive has ended it, one of them logs in anew. The main
process closes it at the end of the invocation, however that ends.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coil.archive.locks import locked
from coil.archive.signing import log_in, log_out
from coil.errors import ArchiveError, ConfigError
from coil.records.archive import ArchiveRecord
from coil.records.login import Token
from coil.workspace import Workspace


@dataclass(frozen=True)
class Address:
    """Which server, and how to meet it; user and password are never part of it.

    `logins` is the folder for the run's shared login; without it a connection has a login
    of its own, closed with it. At most `connections` hold one at once. `login` begins the names
    of the environment's variables with user and password. Raises `ConfigError` for a server's
    address with a user in it, which logs and pages would show.
    """

    server: str
    ca_bundle: str | None = None
    connections: int = 4
    logins: str | None = None
    login: str = "XNAT"

    def __post_init__(self) -> None:
        if "@" in urlsplit(self.server).netloc:
            raise ConfigError(
                "archive.server or XNAT_HOST: it holds a user; write the address alone, and set "
                f"{self.login}_USER and {self.login}_PASS"
            )

    @classmethod
    def of(cls, settings: Mapping[str, Any], root: Path | None = None) -> "Address":
        """The address in a project's `archive` settings, else the environment's XNAT_HOST.

        `root` is where snakemake works; its jobs share a login then.
        """
        server = settings.get("server") or os.environ.get("XNAT_HOST")
        if not server:
            raise ArchiveError(
                "no archive is named; set archive.server in the project's config or XNAT_HOST"
            )
        return cls(
            server.rstrip("/"),
            settings.get("ca_bundle"),
            settings.get("connections", cls.connections),
            str(Workspace(root).logins) if root else None,
        )

    @classmethod
    def of_record(cls, record: ArchiveRecord) -> "Address":
        """The address of a project's archive, as discovery left it."""
        return cls(record.server, record.ca_bundle, record.connections, record.logins)

    @property
    def key(self) -> str:
        """A name for the server that a file can have."""
        return hashlib.sha256(self.server.encode()).hexdigest()[:16]


class Login:
    """The login of one connection, shared with others or not."""

    def __init__(self, address: Address):
        self._address = address
        self._token: Token | None = None

    def token(self) -> Token:
        """The login, made if there is none yet."""
        self._token = self._token or self._shared() or self.renew()
        return self._token

    def renew(self) -> Token:
        """Another login than the last, which the server has ended.

        Of all jobs that find so, the first logs in; the others take what it got.
        """
        ended, path = self._token, self._path
        if path is None:
            self._token = self._log_in()
            return self._token
        with locked(path.with_suffix(".lock")):
            self._token = self._shared()
            if self._token in (None, ended):
                self._token = self._log_in()
                self._token.write(path, 0o600)
        return self._token

    def close(self) -> None:
        """End a login that nobody shares."""
        if self._path is None and self._token:
            log_out(self._token)

    def _log_in(self) -> Token:
        return log_in(self._address.server, self._address.ca_bundle, self._address.login)

    @property
    def _path(self) -> Path | None:
        folder = self._address.logins
        return Path(folder) / f"{self._address.key}.json" if folder else None

    def _shared(self) -> Token | None:
        return Token.read_or_none(self._path) if self._path else None


def close_all(root: Path) -> None:
    """End the logins that the jobs of the run in `root` shared."""
    for path in sorted((Workspace(root).logins).glob("*.json")):
        with locked(path.with_suffix(".lock")):
            token = Token.read_or_none(path)
            path.unlink(missing_ok=True)
        if token:
            log_out(token)
