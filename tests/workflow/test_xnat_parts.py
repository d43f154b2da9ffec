"""The parts of `make test-xnat` against a server that was started before, localxnat for once."""

from pathlib import Path

import pytest

from localxnat.testing import running
from tests.support.elsewhere import Elsewhere
from tests.xnat.parts import PROJECT, FailedError, Parts

pytestmark = pytest.mark.workflow


def test_the_study_is_uploaded_the_doctor_finds_it_and_nothing_stays(
    study: Path, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "study").symlink_to(study)
    with running(tmp_path / "root") as started:
        server = Elsewhere(started.url, started.user, started.password)
        parts = Parts(server, tmp_path / "work", 2, (2, 1))
        assert parts.study()["sessions"] == 2
        found = parts.doctor()["found"]
        told = {(one["what"], one["state"]): one["text"] for one in found["findings"]}
        assert told["sessions", "ok"] == "2, 16 scans"
        assert told["writing", "ok"] == "a resource was made, read back and removed"
        assert found["verdict"] == "all will work"
        with pytest.raises(FailedError, match="remove it by hand"):
            parts.study()
        parts.clean()
        assert PROJECT not in server.projects()
