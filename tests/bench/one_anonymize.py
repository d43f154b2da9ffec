"""Anonymize one converted session in a process of its own; prints what took how long.

usage: one_anonymize.py PULLED CONVERTED
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coil.deid.bids import session_files, session_search
from coil.deid.bids.anonymize import admit_session
from coil.deid.bids.terms import Terms
from coil.units import Unit

_TIMED = {
    "collect": session_search, "clean_nifti": session_files, "search_with": session_search
}  # fmt: skip


def main(pulled: Path, converted: Path) -> None:
    """Admit `converted` to a folder beside it."""
    took: dict[str, float] = dict.fromkeys(_TIMED, 0.0)
    for name, module in _TIMED.items():
        setattr(module, name, _timed(getattr(module, name), name, took))
    terms = Terms(bytes(32), "", "S")
    admit_session(pulled, converted, converted.with_name("candidate"), Unit("X", "Y"), terms)
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
