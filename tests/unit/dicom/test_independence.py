"""The leak check reads DICOM by itself: it shares no fault with what made the files."""

import ast
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "scripts"
CHECKS = [*sorted((SCRIPTS / "coil/deid/leak").glob("*.py")), SCRIPTS / "coil/deid/dicom/search.py"]
SHARED = ("coil.dicom", "coil.bids.series")


def imported(module: Path) -> set[str]:
    """The names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for one in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(one, ast.Import):
            names |= {name.name for name in one.names}
        elif isinstance(one, ast.ImportFrom):
            names |= {f"{one.module}.{name.name}" for name in one.names}
    return names


def test_the_leak_check_has_a_reader_of_its_own() -> None:
    assert any(path.name == "walk.py" for path in CHECKS)
    for path in CHECKS:
        assert not [name for name in imported(path) if name.startswith(SHARED)], path.name


def test_nothing_that_the_leak_check_imports_brings_the_shared_reader_in() -> None:
    code = (
        "import sys, coil.deid.leak.headers, coil.deid.leak.dataset\n"
        "print([name for name in sys.modules if name.startswith('coil.dicom')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
