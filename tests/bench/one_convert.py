"""Convert one session in a process of its own; prints what it took, as JSON.

usage: one_convert.py PULLED FOLDER MAPPING [CONVERTER]

The time is that of the process from its start, with its imports and its children.
"""

import json
import resource
import sys
from pathlib import Path

import yaml

from coil.bids.convert import convert_session
from coil.bids.mapping import parse


def main(pulled: Path, folder: Path, mapping: Path, converter: str = "dcm2niix") -> None:
    """Convert `pulled` to `folder` by the rules in the file `mapping`."""
    found = convert_session(
        pulled,
        folder,
        subject="X",
        session="Y",
        mapping=parse(yaml.safe_load(mapping.read_text(encoding="utf-8"))),
        policy={"unmapped": "fail", "failed": "fail", "incomplete": "fail"},
        scratch=folder.with_name("scratch"),
        converter=converter,
    )
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    took = {
        "seconds": sum(one.ru_utime + one.ru_stime for one in used),
        # Both at once, though each may have had its most at another time.
        "peak_mb": sum(one.ru_maxrss for one in used) / 1000,
        "images": sum(len(row["files"]) // 2 for row in found["series"]),
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *sys.argv[4:])
