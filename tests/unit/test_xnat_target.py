"""`make test-xnat` where Docker or XNAT does not start, and what its report tells."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.elsewhere import Elsewhere
from tests.xnat import container, report
from tests.xnat.parts import CHECKOUT, FailedError, Part, carry_out, read_tests

DOCKER = """#!/bin/sh
echo "$@" >> {log}
case "$1" in
  info) exit {info} ;;
  network) test "$2" = rm -o -e {network} ;;
esac
"""
XNAT4TESTS = """#!/bin/sh
echo "starting $@"
exit {status}
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a docker on the PATH that notes what it is asked; returns the notes' file."""

    def install(info: int = 0) -> Path:
        log = tmp_path / "docker.log"
        program(tmp_path / "docker", DOCKER.format(log=log, info=info, network=tmp_path / "net"))
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        return log

    return install


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_without_docker_it_is_skipped_in_a_line(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "COIL_XNAT"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.xnat", "--folder", str(tmp_path)],
        cwd=CHECKOUT,
        env=environment | {"PATH": str(tmp_path), "PYTHONPATH": f"scripts{os.pathsep}."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("test-xnat: skipped: docker is not installed; install Docker, or")
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_docker_whose_daemon_does_not_run_is_none(docker) -> None:
    docker(info=1)
    assert container.lacking().startswith("docker's daemon does not run")
    docker(info=0)
    assert container.lacking() == ""


def test_the_container_goes_whatever_becomes_of_the_tests(docker, tmp_path: Path) -> None:
    log = docker()
    program(tmp_path / "tools" / "bin" / "xnat4tests", XNAT4TESTS.format(status=0))
    with (
        pytest.raises(KeyboardInterrupt),
        container.started(tmp_path / "made", tmp_path / "tools") as server,
    ):
        assert server.url.startswith("http://127.0.0.1:")
        raise KeyboardInterrupt
    asked = log.read_text().splitlines()
    remove = f"rm --force --volumes {container.NAME}"
    assert (asked.count(remove), asked[-1]) == (2, "network rm xnat4tests")


def test_a_network_that_was_there_before_stays(docker, tmp_path: Path) -> None:
    log = docker()
    (tmp_path / "net").touch()
    program(tmp_path / "tools" / "bin" / "xnat4tests", XNAT4TESTS.format(status=0))
    with container.started(tmp_path / "made", tmp_path / "tools"):
        pass
    assert "network rm" not in log.read_text()


def test_an_xnat_that_does_not_start_is_told_with_its_last_lines(docker, tmp_path: Path) -> None:
    log = docker()
    program(tmp_path / "tools" / "bin" / "xnat4tests", XNAT4TESTS.format(status=1))
    with (
        pytest.raises(container.NotStartedError, match=r"(?s)xnat4tests failed.*starting --config"),
        container.started(tmp_path / "made", tmp_path / "tools"),
    ):
        pass
    assert f"rm --force --volumes {container.NAME}" in log.read_text()


def test_a_part_that_fails_or_breaks_is_told_and_is_not_the_end() -> None:
    def fails() -> dict[str, str]:
        raise FailedError(status=3)

    def breaks() -> dict[str, str]:
        raise ValueError("no")

    assert (carry_out("one", fails).state, carry_out("one", fails).told) == (
        "failed",
        {"status": 3},
    )
    assert carry_out("two", breaks).told["error"][-1] == "ValueError: no"
    assert carry_out("three", lambda: {"x": 1}).told == {"x": 1}


def test_the_report_names_neither_server_nor_user_nor_folders(tmp_path: Path) -> None:
    server = Elsewhere("https://xnat.lab.example.org:8443", "jane.doe", "s3cret")
    told = [
        "error: https://xnat.lab.example.org:8443: refused for jane.doe, xnat.lab.example.org",
        f"{CHECKOUT}/rules/pull.smk, {Path.home()}/.netrc has s3cret, an administrator",
    ]
    report.write(tmp_path / "report.json", [Part("demo", "failed", 1.0, {"output": told})], server)
    text = (tmp_path / "report.json").read_text()
    for secret in ("lab.example", "jane", "s3cret", str(CHECKOUT), str(Path.home())):
        assert secret not in text
    assert "SERVER: refused for USER" in text and "administrator" in text


def test_results_are_counted_and_failures_keep_their_last_lines(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(
        "<testsuites><testsuite>"
        "<testcase classname='a' name='one'/>"
        "<testcase classname='a' name='two'><failure message='assert 1 == 2'/></testcase>"
        "<testcase classname='a' name='three'><skipped/></testcase>"
        "</testsuite></testsuites>"
    )
    assert read_tests(tmp_path / "tests.xml") == {
        "counts": {"passed": 1, "failed": 1, "skipped": 1},
        "failures": [{"test": "a::two", "message": ["assert 1 == 2"]}],
    }
