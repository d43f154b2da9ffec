"""The command line: `serve` an archive, `import` DICOM into it."""

import argparse
import gc
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from localxnat.api.access import Archive
from localxnat.app import make_app
from localxnat.errors import Refused
from localxnat.faults.connections import Connection
from localxnat.faults.rules import KINDS, Faults
from localxnat.storage import importer
from localxnat.storage.archives import Unpacking
from localxnat.storage.auth import IDLE_SECONDS, Auth
from localxnat.storage.prearchive import Prearchive
from localxnat.storage.private import open_log
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.storage.waiting import QUIET_SECONDS


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(prog="localxnat", description="An XNAT-compatible archive.")
    commands = parser.add_subparsers(required=True)

    serve_parser = commands.add_parser(
        "serve",
        help="serve the archive in a folder",
        epilog=_faults_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve_parser.add_argument("root", type=Path, help="the folder; made if absent")
    serve_parser.add_argument("--port", type=int, default=8080, help="0 picks a free one")
    serve_parser.add_argument("--host", default="127.0.0.1", help="default: this machine only")
    serve_parser.add_argument("--log", type=Path, help="one line per request goes here")
    serve_parser.add_argument(
        "--idle", type=float, default=IDLE_SECONDS, help="seconds until an idle login ends"
    )
    serve_parser.add_argument(
        "--quiet",
        type=float,
        default=QUIET_SECONDS,
        help="seconds without a file until a session that arrives in parts is whole",
    )
    serve_parser.add_argument(
        "--rights",
        type=float,
        default=0,
        metavar="S",
        help="seconds that 10,000 rows of all experiments cost one who is no administrator",
    )
    serve_parser.add_argument(
        "--unpack-size",
        type=int,
        default=Unpacking.size,
        metavar="BYTES",
        help="what any uploaded archive may unpack to",
    )
    serve_parser.add_argument(
        "--unpack-ratio",
        type=float,
        default=Unpacking.ratio,
        metavar="N",
        help="a larger one may unpack to so many times what was uploaded",
    )
    serve_parser.add_argument(
        "--unpack-files", type=int, default=Unpacking.members, metavar="N", help="in so many files"
    )
    serve_parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="what is to go wrong: a JSON list, see below"
    )
    serve_parser.set_defaults(run=serve)

    import_parser = commands.add_parser("import", help="import DICOM files as one session")
    import_parser.add_argument("root", type=Path)
    import_parser.add_argument("--project", required=True)
    import_parser.add_argument("--subject", required=True, help="the subject's label")
    import_parser.add_argument("--session", required=True, help="the session's label")
    import_parser.add_argument("folders", type=Path, nargs="+", metavar="DICOM_DIR")
    import_parser.set_defaults(run=import_folders)

    options = parser.parse_args(arguments)
    os.umask(0o077)
    try:
        return options.run(options)
    except PermissionError as error:
        print(f"localxnat: {error.filename}: {error.strerror}; name a folder of your own.",
              file=sys.stderr)  # fmt: skip
        return 1


def _faults_help() -> str:
    """The faults that a file of them may ask for, one a line."""
    lines = [
        'FILE of --faults: a JSON list of {"path": PATTERN, "fault": {NAME: VALUE, ...}}, which',
        'may have "method", "skip" (so many requests pass first) and "times" (1; 0 is for ever).',
        "The faults, each with its values:",
        "",
        *(f"  {name:<12} {kind.values}: {kind.happens}" for name, kind in KINDS.items()),
    ]
    return "\n".join(lines)


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Prints the address once connections are taken."""
    # uvicorn ends gracefully, then raises the signal again for whoever handled it before.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _quit)
    # A listing makes many small objects that live for a moment: looking for cycles among them
    # as often as Python does by default takes a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    store = Store(options.root)
    store.seconds_for_rights = options.rights
    unpacking = Unpacking(options.unpack_size, options.unpack_ratio, options.unpack_files)
    resources = Resources(store, unpacking)
    resources.recover()
    prearchive = Prearchive(resources, options.quiet)
    prearchive.recover()
    prearchive.watch()
    auth = Auth(store.database, options.idle)
    auth.ensure_admin(os.environ.get("LOCALXNAT_PASSWORD"))
    try:
        faults = Faults.read(options.faults) if options.faults else None
    except Refused as refused:
        print(f"localxnat: {options.faults}: {refused.message}", file=sys.stderr)
        return 1
    log = open_log(options.log) if options.log else None
    listener = socket.create_server(
        (options.host, options.port),
        family=socket.AF_INET6 if ":" in options.host else socket.AF_INET,
    )
    # Accepted connections inherit it. Without it a small answer waits for the client's
    # delayed acknowledgement, 40 ms each.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    host = f"[{options.host}]" if ":" in options.host else options.host
    # The socket listens already, so whoever reads the line can connect.
    print(f"localxnat at http://{host}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        make_app(Archive(store, resources, auth, prearchive), log, faults),
        http=Connection,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _quit(number: int, frame: object) -> None:
    raise SystemExit(0)


def import_folders(options: argparse.Namespace) -> int:
    """Import, and say in one line what came of it."""
    store = Store(options.root)
    try:
        done = importer.import_session(
            Resources(store), options.project, options.subject, options.session, options.folders
        )
    except Refused as refused:
        print(f"localxnat: {refused.message}", file=sys.stderr)
        return 1
    print(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
