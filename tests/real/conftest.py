"""The real sessions, each converted once for all tests by a mapping as a lab would write it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.real_bids import SESSIONS, Converted, pull, rules_of


@pytest.fixture(scope="session")
def convert(
    real_dicom: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Converted]:
    """Convert a session of `SESSIONS` by its mapping."""
    done: dict[str, Converted] = {}

    def work(name: str) -> Converted:
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            pulled = pull(real_dicom / SESSIONS[name], folder / "pulled")
            done[name] = Converted(pulled, folder, rules_of(name))
        return done[name]

    return work
