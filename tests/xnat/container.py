"""An official XNAT in a container of ours, by xnat4tests; gone at the end."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.support.elsewhere import Elsewhere

NAME = "coil-test-xnat"
BUILD = 3600
"""Seconds for building the image, which fetches XNAT, and until XNAT answers."""
_WAITS = {"connection_attempts": 180, "connection_attempt_sleep": 5}
_NETWORK = "xnat4tests"  # made by it whatever its config says
_LAST = 20  # lines


class NotStartedError(Exception):
    """The server did not come up; the text has the last lines of what was said."""


def lacking() -> str:
    """Why there is no Docker here; empty where there is."""
    docker = shutil.which("docker")
    if docker is None:
        return "docker is not installed"
    try:
        done = _run([docker, "info"], 30)
    except subprocess.TimeoutExpired:
        return "docker does not answer"
    return (
        "" if done.returncode == 0 else "docker's daemon does not run, or this user may not use it"
    )


@contextmanager
def started(folder: Path, tools: Path) -> Iterator[Elsewhere]:
    """A fresh XNAT, until the block ends; `tools` is the Python environment with xnat4tests.

    Raises `NotStartedError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    config = folder / "xnat4tests.yaml"
    settings = {
        "docker_image": NAME,
        "docker_container": NAME,
        "docker_host": "127.0.0.1",
        "xnat_port": str(port),
        "docker_build_dir": str(folder / "build"),
        "xnat_root_dir": str(folder / "root"),
        "xnat_mnt_dirs": [],  # else root's files would stay here
        **_WAITS,
    }
    config.write_text(yaml.safe_dump(settings))
    _try("rm", "--force", "--volumes", NAME)  # what a run that was killed left
    had_network = _try("network", "inspect", _NETWORK)
    try:
        _start(tools, config, folder)
        yield Elsewhere(f"http://127.0.0.1:{port}", "admin", "admin")
    finally:
        _try("rm", "--force", "--volumes", NAME)  # its image stays for the next time
        if not had_network:
            _try("network", "rm", _NETWORK)


def _start(tools: Path, config: Path, folder: Path) -> None:
    command = [str(tools / "bin" / "xnat4tests"), "--config", str(config), "start"]
    environment = os.environ | {"XNAT4TESTS_HOME": str(folder / "home")}
    with (folder / "start.log").open("wb") as log:
        try:
            status = subprocess.run(
                command, stdout=log, stderr=log, env=environment, timeout=BUILD, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    if status:
        text = (folder / "start.log").read_text(errors="replace")
        why = "it took too long" if status == -1 else "xnat4tests failed"
        raise NotStartedError("\n".join([why, *text.splitlines()[-_LAST:]]))


def _try(*arguments: str) -> bool:
    """Ask Docker for something; whether it did it."""
    try:
        return _run(["docker", *arguments], 120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        print(f"docker {' '.join(arguments)}: no answer; do it by hand")
        return False


def _run(command: Sequence[str], seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
