"""The DICOM export beside copying, pydicom and other tools: files a second of one core.

Measured on the Siemens files with CSA headers of the folder that COIL_REAL_DICOM names. The other
tools go into an environment of their own below the temporary folder, removed at the end; without
a network they are left out, and told.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median

from tests.real.real_bids import pull

HERE = Path(__file__).resolve().parent
PAIRS = 7
OURS = ("copyfile", "pydicom", "coil", "coil and search", "coil plain")
PEERS = {
    "dcmanon": ["dcmanon==0.3.1"],
    "dicognito": ["dicognito==0.19.0"],
    "dicom-anonymizer": ["dicom-anonymizer==2.1.0"],
    "grand-challenge": [
        "grand-challenge-dicom-de-identifier==0.1.1",
        "grand-challenge-dicom-de-id-procedure==2025.10.1",
    ],
}


def main() -> None:
    """Print one line a tool."""
    real = os.environ.get("COIL_REAL_DICOM")
    if not real:
        print("export: COIL_REAL_DICOM does not name a folder with scanner data; not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pulled = pull(Path(real) / "dcm_qa_me", root / "pulled")
        files = list((pulled / "series").rglob("*.dcm"))
        series = len({path.relative_to(pulled / "series").parts[0] for path in files})
        print(
            f"export: {len(files)} Siemens files with CSA headers in {series} series, "
            "files a second of one core"
        )
        for name in OURS:
            _measure(name, Path(sys.executable), pulled, root)
        python = _environment(root / "peers")
        for name in PEERS:
            _measure(name, python, pulled, root)
        _compare("coil", "dcmanon", python, pulled, root)


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = [package for packages in PEERS.values() for package in packages]
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *wanted], capture_output=True, check=False
    )
    return python


def _measure(name: str, python: Path, pulled: Path, root: Path) -> None:
    told = _speed(name, python, pulled, root)
    print(f"  {name:18} {told or 'not installed, or failed':>10}")


def _compare(name: str, peer: str, python: Path, pulled: Path, root: Path) -> None:
    """The median ratio of two tools that run in turn: a busy machine slows both alike."""
    own = Path(sys.executable)
    pairs = [
        (_speed(name, own, pulled, root), _speed(peer, python, pulled, root)) for _ in range(PAIRS)
    ]
    if all(ours and theirs for ours, theirs in pairs):
        ratios = sorted(float(ours) / float(theirs) for ours, theirs in pairs)
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"  {name}/{peer} {median(ratios):.2f}: the median of {PAIRS} pairs, {spread}")


def _speed(name: str, python: Path, pulled: Path, root: Path) -> str:
    """Files a second as the tool's own process tells; nothing if it failed."""
    command = [str(python), str(HERE / "export_peers.py"), name, str(pulled / "series")]
    one_core = [*_pinned(), *command, str(root / "out")]
    done = subprocess.run(one_core, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _pinned() -> list[str]:
    return ["taskset", "-c", "0"] if Path("/usr/bin/taskset").exists() else []


if __name__ == "__main__":
    main()
