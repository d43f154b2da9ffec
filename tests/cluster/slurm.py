"""A real Slurm of three nodes on one machine: its daemons, in a folder of their own.

Needs root and Debian's packages `PACKAGES`. No systemd, no cgroups and no accounting, like many
a small cluster. While it runs, /etc/slurm/slurm.conf is its own: the executor plugin lets no
SLURM_CONF through to its steps. The nodes share the machine's disk and network, so that
neither a file that comes late nor a scratch folder of a node can be seen here, and memory is
granted but not enforced.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
CONF = Path("/etc/slurm/slurm.conf")
NODES = ("node1", "node2", "node3")

_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
ReturnToService=2
KillWait=5
SlurmdTimeout=10
Waittime=0
SlurmdParameters=config_overrides
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.run
SlurmdPidFile={root}/slurmd.%n.run
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=06:00:00 State=UP
PartitionName=other Nodes=ALL MaxTime=06:00:00 State=UP
"""
_NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=64000"


def lacking() -> str:
    """What keeps Slurm from being started here; empty if nothing does."""
    if os.geteuid() != 0:
        return "a Slurm can only be started by root"
    programs = ("slurmctld", "slurmd", "sbatch", "munged")
    if missing := [name for name in programs if not _program(name)]:
        return f"{', '.join(missing)} not installed; apt-get install {' '.join(PACKAGES)}"
    if CONF.exists() and subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0:
        return "another Slurm is running on this machine"
    return ""


class Slurm:
    """A cluster with its state in `root`."""

    def __init__(self, root: Path):
        self.root = root
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def up(self) -> None:
        """Start the daemons; the nodes are idle then."""
        for name in ("state", "spool", *(f"spool/{node}" for node in NODES)):
            (self.root / name).mkdir(parents=True)
        key = self.root / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        munge = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid",
                 "seed-file": "seed"}  # fmt: skip
        options = [f"--{option}={self.root}/munge.{name}" for option, name in munge.items()]
        # forced, because a folder of tests is closed to others
        self._start("munged", "--foreground", "--force", *options)
        _wait_for((self.root / "munge.socket").exists, "munged")
        self._configure()
        self._start("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        _wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "idle nodes", self.told)

    def _configure(self) -> None:
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(1 + len(NODES))
        nodes = [
            _NODE.format(name=name, host=host, port=port)
            for name, port in zip(NODES, ports[1:], strict=True)
        ]
        conf = _CONF.format(root=self.root, host=host, ports=ports, nodes="\n".join(nodes))
        CONF.parent.mkdir(exist_ok=True)
        if CONF.exists():
            CONF.replace(self.root / "slurm.conf.before")
        CONF.write_text(conf)

    def start_node(self, node: str) -> None:
        """Let a node come up."""
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """A power cut: the node's daemon and all that runs there end at once."""
        self._processes.pop(node).kill()
        for step in _steps(f"{self.root}/slurmd.{node}.log"):
            _kill_tree(step)

    def freeze(self, job: str) -> None:
        """Let all processes of a job stop where they are, so that it does not end by itself."""
        _signal(job, signal.SIGSTOP)

    def thaw(self, job: str) -> None:
        """Let them go on."""
        _signal(job, signal.SIGCONT)

    def down(self) -> None:
        """End all jobs and daemons."""
        with suppress(subprocess.SubprocessError):
            self.run("scancel", "--full", "--user", "root")
        with suppress(TimeoutError):
            _wait_for(lambda: not self.jobs(), "an empty queue")
        for process in reversed(self._processes.values()):
            process.terminate()
        for process in reversed(self._processes.values()):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for step in _steps(f"{self.root}/slurmd."):
            _kill_tree(step)
        CONF.unlink(missing_ok=True)
        if (before := self.root / "slurm.conf.before").exists():
            shutil.move(before, CONF)

    def run(self, *command: str) -> str:
        """What one of Slurm's commands says."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout

    def jobs(self, *options: str, form: str = "%i") -> list[str]:
        """A line for each job in the queue."""
        return self.run("squeue", "--noheader", f"--format={form}", *options).splitlines()

    def states(self) -> dict[str, str]:
        """The state of each node; none while nobody answers."""
        try:
            said = self.run("sinfo", "--Node", "--noheader", "--partition=main", "--format=%N %t")
        except subprocess.SubprocessError:
            return {}
        return dict(line.split(maxsplit=1) for line in said.splitlines())

    def told(self) -> str:
        """The ends of the daemons' logs."""
        logs = sorted([*self.root.glob("*.log"), *self.root.glob("*.out")])
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-800:]}" for log in logs)

    def _start(self, program: str, *arguments: str, name: str | None = None) -> None:
        with (self.root / f"{name or program}.out").open("ab") as stream:
            self._processes[name or program] = subprocess.Popen(
                [_program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )


@contextmanager
def running(root: Path) -> Iterator[Slurm]:
    """A cluster with its state in `root` (a short path, for it holds a socket)."""
    slurm = Slurm(root)
    try:
        slurm.up()
        yield slurm
    finally:
        slurm.down()


def wait_for(happened: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until something is so. Raises TimeoutError."""
    _wait_for(happened, what, seconds=seconds)


def _wait_for(
    happened: Callable[[], object],
    what: str,
    told: Callable[[], str] = str,
    seconds: float = 60,
) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} after {seconds:.0f} s\n{told()}")
        time.sleep(0.2)


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _steps(log: str) -> list[int]:
    """The processes that hold jobs for a node, known by the log that they have open."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text() == "slurmstepd\n":
                files = (str(link.readlink()) for link in (folder / "fd").iterdir())
                if any(file.startswith(log) for file in files):
                    found.append(int(folder.name))
    return found


def _signal(job: str, number: signal.Signals) -> None:
    mark = f"SLURM_JOB_ID={job}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                os.kill(int(folder.name), number)


def _kill_tree(root: int) -> None:
    """Kill a process and all that it started, at once."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(after_name[1]), []).append(int(folder.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
