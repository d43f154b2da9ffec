"""Where a project lies in the archive: `private/<project>/archive.json`, left by discovery."""

from typing import ClassVar

from coil.records import Record


class ArchiveRecord(Record, frozen=True, kw_only=True):
    """The server of a project and how to meet it; user and password are never part of it.

    project      the project's ID there
    mount        the archive's own folder, where the config says that it is mounted
    server, ca_bundle, connections, logins, login   as in `coil.archive.login.Address`
    salt         what nobody can guess: Snakemake notes a digest of the file
    """

    VERSION: ClassVar[int] = 1

    project: str
    server: str
    ca_bundle: str | None = None
    connections: int
    logins: str | None = None
    login: str
    mount: str | None = None
    salt: str = ""
