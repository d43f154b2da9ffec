"""`make demo`: the study, an archive that holds it, and one invocation of snakemake."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

from demo.load import load
from demo.paths import ARCHIVE, CHECKOUT, CONFIG, STUDY, WORK, StudyFolder
from demo.study import generate
from localxnat.testing import Server, running


def run(cores: int) -> int:
    """Run the whole workflow on the simulated study; returns snakemake's exit status."""
    prepare()
    with running(ARCHIVE) as server:
        print(f"archive: {server.url}, made for this run")
        status = snakemake(server, cores)
    if status == 0:
        print("The archive with the pushed reports: make demo-archive")
    return status


def archive() -> int:
    """Leave the archive running until Ctrl-C, its address and login shown."""
    prepare()
    with running(ARCHIVE, port=8104) as server:
        print(f"{server.url}   user {server.user}   password {server.password}   (Ctrl-C ends it)")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()
    return 0


def prepare() -> None:
    """Make the study and the archive, unless they are there."""
    if not StudyFolder(STUDY).truth.is_file():
        print("simulating the study: 3 subjects, 2 sessions each", flush=True)
        shutil.rmtree(STUDY, ignore_errors=True)
        generate(STUDY)
        print("importing it into an archive", flush=True)
        load(STUDY, ARCHIVE)


def snakemake(server: Server, cores: int) -> int:
    """One invocation against `server`, in the folder .demo/run."""
    WORK.mkdir(parents=True, exist_ok=True)
    login = {"XNAT_HOST": server.url, "XNAT_USER": server.user, "XNAT_PASS": server.password}
    command = [sys.executable, "-m", "snakemake", "--snakefile", "Snakefile"]
    command += ["--configfile", str(CONFIG), "--directory", str(WORK)]
    command += ["--workflow-profile", "config/profiles/local", "--cores", str(cores)]
    return subprocess.run(command, cwd=CHECKOUT, env=os.environ | login, check=False).returncode
