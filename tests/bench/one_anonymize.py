"""Anonymize one converted session in a process of its own; prints what took how long.

usage: one_waist.py PULLED CONVERTED
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coil.deid.bids import anonymize


def main(pulled: Path, converted: Path) -> None:
    """Admit `converted` to a folder beside it."""
    took = dict.fromkeys(("collect", "clean_nifti", "search_with"), 0.0)
    for name in took:
        setattr(anonymize, name, _timed(getattr(anonymize, name), name, took))
    anonymize.admit_session(
        pulled,
        converted,
        converted.with_name("candidate"),
        subject="X",
        session="Y",
        secret=bytes(32),
        subject_id="S",
    )
    print(json.dumps({"imports": _IMPORTS, **took, "all": time.process_time()}))


def _timed(work: Callable[..., Any], name: str, took: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return work(*args, **kwargs)
        finally:
            took[name] += time.process_time() - start

    return timed


_IMPORTS = time.process_time()

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
