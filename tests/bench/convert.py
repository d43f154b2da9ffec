"""What the convert step costs beside bare dcm2niix: processor time and memory.

The step is a process of its own, with its imports, the table of the series and the sidecars; bare
dcm2niix converts the whole session in one run. With COIL_REAL_DICOM these are sessions of real
scanners, else made-up ones; a long session is one of them repeated in time.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydicom import dcmread
from pydicom.uid import generate_uid

from coil.bids.convert import dcm2niix
from tests.support.bids import Pulled, enlarge

HERE = Path(__file__).parent
SIDE = 64
MADE_UP = """
- match: {series_description: "rest(?P<run>.)"}
  to: func/bold
  entities: {task: rest, run: "{run}"}
  expect: {volumes: 37}
"""
Session = tuple[Path, list[dict[str, Any]]]


def main() -> None:
    """Measure, and print a line for each session."""
    options = _options()
    print(f"{'':34}{'ratio':>7}   of processor time to that of bare dcm2niix; medians")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for title, session in gather(folder, _real, options.files).items():
            for converter in ("dcm2niix", "heudiconv") if options.heudiconv else ("dcm2niix",):
                _measure(f"{title}, {converter}", session, converter, options.pairs, folder)


def gather(
    folder: Path, real: Callable[[Path, Path], dict[str, Session]], files: int
) -> dict[str, Session]:
    """The sessions to measure: `real` ones, or made-up ones, and the first of them lengthened."""
    place = os.environ.get("COIL_REAL_DICOM")
    sessions = real(Path(place), folder) if place else made_up(folder)
    first = next(iter(sessions.values()))
    longer = lengthen(first[0], folder / "long", files)
    return {**sessions, f"a session of {longer} files": (folder / "long", first[1])}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each, in turns")
    parser.add_argument("--files", type=int, default=5000, help="of the long session, at least")
    parser.add_argument("--heudiconv", action="store_true", help="measure heudiconv, too")
    parser.add_argument("--folder", help="where to work; needs a gigabyte")
    return parser.parse_args()


def _real(root: Path, folder: Path) -> dict[str, Session]:
    sys.path.insert(0, str(HERE.parent / "real"))
    from tests.real.real_bids import SESSIONS, pull, rules_of

    titles = {"ge_epi": "GE, 600 files", "siemens_multi_echo": "Siemens, multi-echo"}
    return {
        title: (pull(root / SESSIONS[name], folder / name), rules_of(name))
        for name, title in titles.items()
    }


def made_up(folder: Path) -> dict[str, Session]:
    """Four runs of small images."""
    runs = Pulled(folder / "runs")
    for number in range(1, 5):
        enlarge(runs.scan(f"rest{number}", 37), SIDE)
    return {"made up, 592 files": (runs.folder, yaml.safe_load(MADE_UP))}


def lengthen(pulled: Path, target: Path, least: int) -> int:
    """Repeat every series of a session in time until it has `least` files; returns their number."""
    files = sorted(path for path in (pulled / "series").rglob("*") if path.is_file())
    times = -(-least // len(files))
    for path in files:
        image = dcmread(path)
        own = len(list(path.parent.iterdir()))
        folder = target / "series" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        first, uid = int(image.InstanceNumber), image.SOPInstanceUID
        if "NumberOfTemporalPositions" in image:
            image.NumberOfTemporalPositions *= times
        for turn in range(times):
            image.InstanceNumber = first + turn * own
            image.AcquisitionNumber = int(image.get("AcquisitionNumber") or 1)
            image.SOPInstanceUID = generate_uid(entropy_srcs=[uid, str(turn)])
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            image.save_as(folder / f"{image.InstanceNumber:06d}.dcm")
    shutil.copyfile(pulled / "pulled.json", target / "pulled.json")
    return times * len(files)


def _measure(title: str, session: Session, converter: str, pairs: int, folder: Path) -> None:
    pulled, rules = session
    out = folder / "out"
    ours = [sys.executable, str(HERE / "one_convert.py"), str(pulled), str(out), json.dumps(rules)]
    bare = [dcm2niix.program(), *dcm2niix.FLAGS, "%s", "-z", "i", "-o", str(out)]
    bare.append(str(pulled / "series"))
    run([*ours, converter], lambda: shutil.rmtree(out))  # compiles what is imported
    cost: dict[str, list[float]] = {"ours": [], "bare": []}
    peak: dict[str, float] = {}
    for _ in range(pairs):
        out.mkdir()
        seconds, peak["bare"], _ = run(bare, lambda: shutil.rmtree(out))
        cost["bare"].append(seconds)
        seconds, _, said = run([*ours, converter], lambda: shutil.rmtree(out))
        cost["ours"].append(seconds)
        peak["ours"] = json.loads(said)["peak_mb"]
    mine, theirs = (statistics.median(cost[who]) for who in ("ours", "bare"))
    beyond = peak["ours"] - peak["bare"]
    print(
        f"{title:34}{mine / theirs:7.2f}   {mine:.2f} and {theirs:.2f} s, aim 1.5, at most 2.5; "
        f"peak {peak['ours']:.0f} MB, {beyond:+.0f}, at most +150",
        flush=True,
    )


def run(command: list[str], clean: Callable[[], object] = lambda: None) -> tuple[float, float, str]:
    """(seconds of processor time with all children, peak of the process in MB, its output)."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"status {process.returncode}: {command[0]}")
        said.seek(0)
        text = said.read()
    clean()
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, text


if __name__ == "__main__":
    main()
