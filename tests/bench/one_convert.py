"""Convert one session in a process of its own; prints the most memory that it had, as JSON.

usage: one_convert.py PULLED FOLDER MAPPING [CONVERTER], with the mapping as JSON
"""

import json
import resource
import sys
from pathlib import Path

from coil.bids.convert.convert import Terms, convert_session
from coil.bids.mapping.mapping import parse
from coil.units import Unit


def main(pulled: Path, folder: Path, mapping: str, converter: str = "dcm2niix") -> None:
    """Convert `pulled` to `folder`."""
    states = ("unmapped", "ambiguous", "incomplete", "failed")
    policy: dict[str, str] = dict.fromkeys(states, "fail")
    terms = Terms(parse(json.loads(mapping)), policy, converter=converter)
    convert_session(pulled, folder, Unit("X", "Y"), terms, folder.with_name("scratch"))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    # As if both had their most at the same time.
    print(json.dumps({"peak_mb": sum(one.ru_maxrss for one in used) / 1000}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
