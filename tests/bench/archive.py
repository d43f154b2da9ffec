"""How fast Coil speaks to an archive, beside the usual tools in the same run.

Measured against localxnat on this machine, in turns: pull beside curl and unzip, push beside
curl. Both pulls end with files on the disk; ours are compared with the archive's digests and
sorted into series, the peers' with the zip's CRC. A push reads back what it sent.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from discovery import discovery
from sessions import write_session

from coil.archive.client import Address, connect
from coil.archive.login import close_all
from coil.archive.push.plan import Upload
from coil.archive.push.push import push
from coil.archive.resources import Resource, ResourceFile
from coil.workspace import Workspace
from localxnat.testing import Server, import_dicom, running

SESSION = "/data/projects/{}/subjects/S/experiments/E"
HERE = Path(__file__).parent


def main() -> None:
    """Measure, and print a line for each figure."""
    options = _options()
    _line("", "ratio", "medians; above 1 we are the faster")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        _load(folder, "USUAL", options.megabytes, options.megabytes // 5)
        _load(folder, "LARGE", options.large, options.large * 3 // 4)
        with running(folder / "root") as server:
            os.environ |= {"XNAT_USER": server.user, "XNAT_PASS": server.password}
            _pull(server, folder, options)
            _memory(server, folder, options.large)
            _push(server, folder, options)
            close_all(folder)
        _discovery(folder / "listed", options.sessions)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=300, help="of the usual session")
    parser.add_argument("--large", type=int, default=2000, help="megabytes of the large session")
    parser.add_argument("--push", type=int, default=200, help="megabytes to push")
    parser.add_argument("--sessions", type=int, default=20_000, help="to discover, of 10 scans")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each, in turns")
    parser.add_argument("--folder", help="where to work; needs twice the bytes of both sessions")
    return parser.parse_args()


def _load(folder: Path, project: str, megabytes: int, enhanced: int) -> None:
    study = write_session(folder / "study", megabytes, enhanced)
    import_dicom(folder / "root", project, "S", "E", study)
    shutil.rmtree(study)


def _pull(server: Server, folder: Path, options: argparse.Namespace) -> None:
    packed, out = folder / "session.zip", folder / "unpacked"
    url = f"{server.url}{SESSION.format('USUAL')}/scans/ALL/files?format=zip"

    def peer() -> None:
        _curl(server, "-o", str(packed), url)
        subprocess.run(["unzip", "-q", str(packed), "-d", str(out)], check=True)

    first = _one_pull(server, "USUAL", folder)
    ours, peers = [], []
    for _ in range(options.pairs):
        peers.append(_timed(peer))
        shutil.rmtree(out)
        ours.append(_one_pull(server, "USUAL", folder))
    seconds = [one["seconds"] for one in ours]
    _row("pull beside curl + unzip", seconds, peers, options.megabytes, "aim: at least 0.9")
    login = f"the run's login takes {first['requests'] - ours[0]['requests']:.0f} more, once"
    _line("requests a session", f"{ours[0]['requests']:.0f}", login)


def _one_pull(server: Server, project: str, folder: Path) -> dict[str, float]:
    out = folder / "pulled"
    command = [sys.executable, str(HERE / "one_pull.py"), server.url, project, str(out)]
    before = len(server.requests())
    logins = str(Workspace(folder).logins)
    done = subprocess.run([*command, logins], stdout=subprocess.PIPE, text=True, check=True)
    shutil.rmtree(out)
    # Without the listing of the project, which finds the session.
    return {**json.loads(done.stdout), "requests": len(server.requests()) - before - 1}


def _memory(server: Server, folder: Path, megabytes: int) -> None:
    peak = _one_pull(server, "LARGE", folder)["peak_mb"]
    _line(f"peak memory, a session of {megabytes} MB", f"{peak:.0f} MB", "aim: under 150 MB")


def _push(server: Server, folder: Path, options: argparse.Namespace) -> None:
    sources = folder / "sources"
    sources.mkdir()
    files = [sources / f"{number}.bin" for number in range(10)]
    for path in files:
        path.write_bytes(os.urandom(options.push * 10**5))
    base = SESSION.format("USUAL")
    ours, peers = [], []
    with connect(Address(server.url)) as archive:
        for turn in range(options.pairs):
            there = Resource(f"ours{turn}")
            upload = Upload(there.label, {ResourceFile(there, path.name): path for path in files})
            ours.append(_timed(lambda upload=upload: push(archive, base, upload)))
            url = f"{server.url}{base}/resources/theirs{turn}/files/"
            names = ",".join(map(str, files))
            peers.append(
                _timed(lambda url=url, names=names: _curl(server, "-T", f"{{{names}}}", url))
            )
    _row("push beside curl -T", ours, peers, options.push, "verified by reading back")


def _discovery(folder: Path, sessions: int) -> None:
    kinds = ("first", "again", "member")
    for when, took in zip(kinds, discovery(folder, sessions, 10), strict=True):
        told = f"{took['peak_mb']:.0f} MB, requests: {took['requests']}, {took['wall']:.1f} s"
        note = f"of processor time; {told} with the server's"
        _line(f"discovery of {sessions} sessions, {when}", f"{took['seconds']:.1f} s", note)


def _curl(server: Server, *arguments: str) -> None:
    login = f"user = {server.user}:{server.password}"
    command = ["curl", "-sSf", "-K", "-", *arguments]
    subprocess.run(command, input=login, text=True, check=True, stdout=subprocess.DEVNULL)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(title: str, ours: list[float], peers: list[float], megabytes: int, note: str) -> None:
    """Throughputs by the median, and the median of the ratios of neighbours."""
    ratio = statistics.median(peer / own for peer, own in zip(peers, ours, strict=True))
    mine, theirs = (megabytes / statistics.median(times) for times in (ours, peers))
    _line(title, f"{ratio:.2f}", f"{mine:.0f} and {theirs:.0f} MB/s; {note}")


def _line(title: str, figure: str, note: str) -> None:
    print(f"{title:36}{figure:>10}   {note}", flush=True)


if __name__ == "__main__":
    main()
