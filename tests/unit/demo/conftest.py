"""One simulated session with every special case, for all that look at it."""

from pathlib import Path
from typing import Any

import pytest

from demo.study import generate


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """One subject's one session, and its truth. Copy it, do not change it."""
    out = tmp_path_factory.mktemp("generated") / "out"
    return out, generate(out, subjects=1, sessions=1)
