"""``python -m demo generate OUT`` makes the study; ``python -m demo load OUT ROOT`` archives it."""

from __future__ import annotations

import argparse
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
    options = parser.parse_args(arguments)
    generate(options.out, options.seed, options.subjects, options.sessions)


if __name__ == "__main__":
    main()
