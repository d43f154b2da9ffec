"""What discovery of a large project costs on the client's side, first and when nothing is new."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from one_pull import peak_mb

from coil.archive.discover.discovery import discover
from coil.archive.login import close_all
from coil.config.reading import load_schema, with_defaults
from localxnat.testing import Server, running, seed

RIGHTS = 6.0
"""Seconds that 10,000 rows of a listing of all projects cost a member on a real server."""
HERE = Path(__file__).parent


def discovery(folder: Path, sessions: int, scans: int) -> list[dict[str, Any]]:
    """Discoveries of a seeded project in turn; what each of them took.

    Two as an administrator, the third as a member of the project, for whom an XNAT joins the
    rights to each row of a listing of all projects (`RIGHTS`). Told are `seconds` of the client's
    processor (all but waiting for the server), `wall` seconds, `peak_mb` of memory, and the
    `requests` but for login and logout.
    """
    seed(folder / "root", "BIG", sessions, scans)
    with running(folder / "root", rights=RIGHTS) as server:
        administrator = (server.user, server.password)
        command = [sys.executable, str(HERE / "discovery.py"), server.url, str(folder / "work")]
        found = []
        for user, password in (administrator, administrator, _member(server)):
            environment = os.environ | {"XNAT_USER": user, "XNAT_PASS": password}
            before = len(server.requests())
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            asked = [line for line in server.requests()[before:] if _is_asked(line)]
            found.append({**json.loads(done.stdout), "requests": len(asked)})
    return found


def _member(server: Server) -> tuple[str, str]:
    """Name and password of a new member of the project."""
    name = password = "member"
    with requests.Session() as http:
        http.auth = (server.user, server.password)
        about = {"username": name, "password": password}
        http.post(f"{server.url}/xapi/users", json=about, timeout=20).raise_for_status()
        right = f"{server.url}/data/projects/BIG/users/Members/{name}"
        http.put(right, timeout=20).raise_for_status()
    return name, password


def _is_asked(line: str) -> bool:
    path = line.split()[1]
    return path.startswith(("/data/experiments", "/data/projects", "/data/prearchive"))


def main(server: str, work: Path) -> None:
    """One discovery in a process of its own."""
    given = {"project": "BIG", "archive": {"server": server}, "bids": {"name": "n", "mapping": []}}
    settings = with_defaults(given, load_schema("project"))
    wall, processor = time.perf_counter(), time.process_time()
    found = discover("big", settings, work)
    took = {"seconds": time.process_time() - processor, "wall": time.perf_counter() - wall}
    close_all(work)  # else the next one has this one's login
    print(json.dumps({**took, "peak_mb": peak_mb(), "found": str(found)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
