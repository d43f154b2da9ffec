"""Nothing useful is lost on the way into the dataset."""

from pathlib import Path

import pytest
import yaml

from demo.study import generate
from tests.battery.retention import Score, score
from tests.real.real_bids import SESSIONS, pull, rules_of
from tests.workflow.lab import CHECKOUT

pytestmark = pytest.mark.battery


def simulated(folder: Path) -> tuple[Path, list]:
    """The simulated study's session, as it is pulled, and its mapping."""
    generate(folder / "study", seed=2, subjects=1, sessions=1)
    study = yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text())
    return pull(folder / "study" / "dicom", folder / "pulled"), study["bids"]["mapping"]


@pytest.fixture(
    scope="module",
    params=["simulated", *(pytest.param(name, marks=pytest.mark.real) for name in SESSIONS)],
)
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Score:
    """The score of one session."""
    folder = tmp_path_factory.mktemp("retention")
    if request.param == "simulated":
        return score(*simulated(folder), folder)
    source = request.getfixturevalue("real_dicom") / SESSIONS[request.param]
    return score(pull(source, folder / "pulled"), rules_of(request.param), folder)


def test_voxels_affines_gradients_and_what_bids_asks_for_stay(scored: Score) -> None:
    print(f"kept {scored.share:.2%} of {sum(scored.wanted.values())}")
    assert scored.share >= 0.999, scored.lost
    assert scored.wanted["voxels"] > 0
    assert len(scored.wanted) > 10
