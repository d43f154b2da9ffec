"""What every test may use: where the real scanner data are, if they are here."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder with the Snakefile."""
    return CHECKOUT


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """The folder with real scanner data; tests that need it are skipped without it."""
    folder = os.environ.get("COIL_REAL_DICOM")
    if not folder:
        pytest.skip("COIL_REAL_DICOM does not name a folder with scanner data")
    return Path(folder)
