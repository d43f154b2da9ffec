"""Pull one session in a process of its own; prints what it took, as JSON.

usage: one_pull.py SERVER PROJECT FOLDER LOGINS, with XNAT_USER and XNAT_PASS

Like a run's jobs, all pulls share the login that lies in the folder LOGINS.
"""

import json
import sys
import time
from pathlib import Path

from coil.archive.client import Address, connect
from coil.archive.listing import list_sessions
from coil.archive.pull.session import Request, pull_session
from coil.records.pulled import ArchiveNames


def main(server: str, project: str, folder: Path, logins: str) -> None:
    """Pull the project's only session; the time is without the listing that finds it."""
    with connect(Address(server, logins=logins)) as archive:
        (session,) = list_sessions(archive, project)
        start = time.perf_counter()
        pull_session(archive, Request(session.id, session.scans, [], ArchiveNames()), folder)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The most memory that this process had; getrusage would tell that of its parent, too."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1000


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
