"""Start an XNAT, run everything against it, say how it went; see README.md beside this file."""

import argparse
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.support import elsewhere
from tests.support.elsewhere import Elsewhere
from tests.xnat import container, report
from tests.xnat.parts import CHECKOUT, FailedError, Part, Parts, carry_out

HERE = CHECKOUT / ".xnat"
TOOLS = HERE / "tools"


def main() -> int:
    """The exit status: 0 if every part is done, or where there is nothing to run against."""
    options = _options()
    server = elsewhere.given()
    why = "" if server else container.lacking()
    if why:
        print(
            f"test-xnat: skipped: {why}; install Docker, or name an XNAT that is there for tests: "
            "COIL_XNAT=http://... XNAT_USER=... XNAT_PASS=..."
        )
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(options.folder / "run", ignore_errors=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "report.json"
    parts: list[Part] = []
    try:
        with ExitStack() as stack:
            server = server or _start(stack, options.folder, parts)
            if server:
                _all(Parts(server, options.folder, options.cores, options.size), parts)
    finally:
        report.write(path, parts, server)
        print(f"\n{path} has it all, without names: send it on")
    failed = [part.name for part in parts if part.state == "failed"]
    print(f"test-xnat: failed: {', '.join(failed)}" if failed else "test-xnat: all done")
    return 1 if failed else 0


def _folder(name: str) -> Path:
    return Path(name).resolve()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.xnat", description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=_folder, default=HERE, help="where all of it is done")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(3, 2), metavar=("SUBJECTS", "SESSIONS"),
        help="of the simulated study",
    )  # fmt: skip
    return parser.parse_args()


def _start(stack: ExitStack, folder: Path, parts: list[Part]) -> Elsewhere | None:
    """A container's server, gone when the stack is left; None, and a failed part, where none is."""
    made: list[Elsewhere] = []

    def start() -> dict[str, str]:
        subprocess.run(["make", "--quiet", ".xnat/tools.stamp"], cwd=CHECKOUT, check=True)
        try:
            made.append(stack.enter_context(container.started(folder / "container", TOOLS)))
        except container.NotStartedError as error:
            raise FailedError(output=str(error).splitlines()) from None
        return {}

    parts.append(carry_out("start", start))
    return made[0] if made else None


def _all(all_: Parts, parts: list[Part]) -> None:
    steps = {
        "study": all_.study,
        "doctor": all_.doctor,
        "archive tests": all_.tests,
        "demo": all_.demo,
        "demo again": all_.again,
    }
    try:
        for name, work in steps.items():
            parts.append(carry_out(name, work))
    finally:
        parts.append(carry_out("clean up", all_.clean))


if __name__ == "__main__":
    sys.exit(main())
