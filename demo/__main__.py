"""The simulated study on the command line.

``python -m demo generate OUT`` makes it, ``load OUT ROOT`` puts it into an archive; ``run`` and
``archive`` are what ``make demo`` and ``make demo-archive`` do, in the folder .demo.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo.study import generate


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The simulated study.")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("generate", help="write DICOM, the archive's extras and the truth")
    make.add_argument("out", type=Path)
    make.add_argument("--seed", type=int, default=1)
    make.add_argument("--subjects", type=int, default=3)
    make.add_argument("--sessions", type=int, default=2)
    put = commands.add_parser("load", help="put a generated study into a localxnat archive")
    put.add_argument("out", type=Path)
    put.add_argument("root", type=Path, help="the archive's folder; made if absent")
    whole = commands.add_parser("run", help="run the whole workflow on the study")
    whole.add_argument("--cores", type=int, default=2)
    commands.add_parser("archive", help="leave the archive running, its address shown")
    options = parser.parse_args(arguments)
    try:
        if options.command == "generate":
            generate(options.out, options.seed, options.subjects, options.sessions)
            print(f"study written to {options.out}")
        elif options.command == "run":
            from demo import run

            sys.exit(run.run(options.cores))
        elif options.command == "archive":
            from demo import run

            sys.exit(run.archive())
        else:
            from demo.load import load  # the client's import takes a second

            changed = load(options.out, options.root)
            print("\n".join(changed) or "nothing to do: the archive has the study")
    except (OSError, ValueError) as error:
        sys.exit(f"demo: {error}")


if __name__ == "__main__":
    main()
