"""What holds for every test: what is measured, and where the real scanner data are, if here."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[1]
UNIT = CHECKOUT / "tests" / "unit"


settings.register_profile("coil", deadline=None)  # other work on the machine makes none wrong
settings.load_profile("coil")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the time that measuring takes to the unit tests; the others run processes, mostly."""
    for item in items:
        if UNIT not in item.path.parents:
            item.add_marker(pytest.mark.no_cover)


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
