"""What anonymizing costs beside converting: processor time of the allow-lists and the leak check.

Each step is a process of its own, with its imports; without defacing and without the validator,
which takes a second of any session. Bare dcm2niix converts the same session in one run. With
COIL_REAL_DICOM these are sessions of real scanners, else made-up ones.

Images are compressed once, by `anonymize`, while a converter compresses them itself. So there are
two ratios: of the steps as they are, and with writing the images (`clean_nifti`) counted to the
convert step, as of a converter that compresses.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from coil.bids.convert import dcm2niix
from tests.bench.convert import HERE, Session, gather, run

AIM = 0.2


def main() -> None:
    """Measure, and print a line for each session."""
    options = _options()
    print(
        "Anonymizing: processor time to that of the convert step; medians. First as the steps are,"
    )
    print("then with writing the compressed images counted to the step of converting.")
    print(f"{'':34}{'as is':>7}{'moved':>7}   aim {AIM}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for title, session in gather(folder, _real, options.files).items():
            _measure(title, session, options.times, folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="measurements of each, in turns")
    parser.add_argument("--files", type=int, default=5000, help="of the long session, at least")
    parser.add_argument("--folder", help="where to work; needs a gigabyte")
    return parser.parse_args()


def _real(root: Path, folder: Path) -> dict[str, Session]:
    sys.path.insert(0, str(HERE.parent / "real"))
    from tests.real.real_bids import SESSIONS, pull, rules_of

    names = ["ge_epi", *(name for name in SESSIONS if name != "ge_epi")]
    return {name: (pull(root / SESSIONS[name], folder / name), rules_of(name)) for name in names}


def _measure(title: str, session: Session, times: int, folder: Path) -> None:
    pulled, rules = session
    work, bare = folder / "work", folder / "bare"
    convert = [str(HERE / "one_convert.py"), str(pulled), str(work / "converted")]
    command = [str(HERE / "one_anonymize.py"), str(pulled), str(work / "converted")]
    alone = [dcm2niix.program(), *dcm2niix.FLAGS, "%s", "-z", "i", "-o", str(bare)]
    cost: dict[str, list[float]] = {"convert": [], "anonymize": [], "bare": []}
    seen: list[dict[str, float]] = []
    for _ in range(times):
        work.mkdir()
        bare.mkdir()
        seconds, *_ = run([sys.executable, *convert, json.dumps(rules)])
        cost["convert"].append(seconds)
        seconds, _, said = run([sys.executable, *command])
        cost["anonymize"].append(seconds)
        seen.append(json.loads(said))
        seconds, *_ = run([*alone, str(pulled / "series")])
        cost["bare"].append(seconds)
        shutil.rmtree(work)
        shutil.rmtree(bare)
    ours, step, peer = (statistics.median(cost[key]) for key in ("anonymize", "convert", "bare"))
    parts = {key: statistics.median(one[key] for one in seen) for key in seen[0]}
    told = ", ".join(f"{key} {value:.2f}" for key, value in parts.items())
    images = parts["clean_nifti"]
    moved = (ours - images) / (step + images)
    print(
        f"{title:34}{ours / step:7.2f}{moved:7.2f}   {ours:.2f} and {step:.2f} s; to bare dcm2niix "
        f"({peer:.2f} s) {ours / peer:.2f}, with the convert step {(ours + step) / peer:.2f}; "
        f"{told}",
        flush=True,
    )


if __name__ == "__main__":
    main()
