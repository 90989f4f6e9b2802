"""A SLURM cluster of one node with two fake GPUs, on this machine and for these tests alone.

Run with ``make test-slurm``. It needs root (SLURM's packages are installed where they are missing,
and jobs find the cluster by ``/etc/slurm``), stops whatever it started by its process ids, and
refuses to touch a cluster that is not its own.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# What a run needs of a checkout.
PROJECT = ("config", "envs", "slurm", "src", "workflow", ".gitignore")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "sinfo")
# Jobs started by Snakemake's plugin lose every SLURM_ variable, SLURM_CONF too.
CONFIGURATION = Path("/etc/slurm")
MUNGE_SOCKET = Path("/run/munge/munge.socket.2")
MARK = "# Written by upwind's tests; they remove it again.\n"

SLURM_CONF = """
ClusterName=upwind
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
DefMemPerCPU=500
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=40000
MpiDefault=none
NodeName={host} NodeAddr=localhost CPUs=8 RealMemory=24000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes={host} PriorityTier=10 PreemptMode=OFF
"""


def pytest_addoption(parser):
    parser.addoption("--demo", choices=("whole", "short"), default="whole")


def missing_programs():
    return [name for name in PROGRAMS if shutil.which(name) is None]


def install():
    """Install SLURM from Debian where it is missing."""
    if not missing_programs():
        return
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(
            ["apt-get", "--quiet", *command],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            check=True,
            timeout=600,
        )


def obstacle():
    """Why no cluster can be started here; None where one can."""
    if os.geteuid() != 0:
        return "a cluster of its own can be started by root alone"
    if missing_programs() and shutil.which("apt-get") is None:
        return "SLURM is not installed, and there is no apt-get to install it"
    return None


def check_foreign():
    """Refuse where somebody else's SLURM or munge is configured or running."""
    for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
        path = CONFIGURATION / name
        if path.exists() and not path.read_text().startswith(MARK):
            pytest.fail(f"{path} is not of these tests: not started, so as not to disturb it")
    if listens(MUNGE_SOCKET):
        pytest.fail(f"a munged answers at {MUNGE_SOCKET}: not started, so as not to disturb it")


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def free_ports(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _wait_for(condition, seconds, what):
    """The first true value of ``condition()``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"after {seconds} s still no {what}")
        time.sleep(0.5)
    return value


@pytest.fixture(scope="session", name="wait_for")
def waiting():
    """A function of a condition, the seconds that it is given, and a name for it."""
    return _wait_for


class Cluster:
    """munged, slurmctld and slurmd as children of this process."""

    def __init__(self, folder):
        self.folder = folder
        self.host = socket.gethostname().partition(".")[0]
        self.daemons = {}

    def start(self):
        self._write_configuration()
        MUNGE_SOCKET.parent.mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        munged = f"munged --foreground --force --key-file={key}"
        for name in ("log", "pid", "seed"):
            munged += f" --{name}-file={self.folder}/munged.{name}"
        self._spawn("munged", munged.split())
        _wait_for(lambda: listens(MUNGE_SOCKET), 20, "munged")
        self._spawn("slurmctld", ["slurmctld", "-D"])
        self.start_node()

    def start_node(self):
        self._spawn("slurmd", ["slurmd", "-D", "-N", self.host])
        _wait_for(self.node_is_up, 60, "node in the state 'idle'")

    def node_is_up(self):
        return self.ask("sinfo", "--noheader", "--format=%T") in ("idle", "mixed", "allocated")

    def stop(self):
        """Cancel what runs, then end the daemons, the last started first."""
        if self.daemons.keys() >= {"slurmctld", "slurmd"}:
            self.ask("scancel", "--user=root")
            end = time.monotonic() + 30
            while self.unfinished() and time.monotonic() < end:
                time.sleep(0.5)
        for name in reversed(list(self.daemons)):
            self.end(name)
        for path in CONFIGURATION.glob("*.conf"):
            if path.read_text().startswith(MARK):
                path.unlink()
        with contextlib.suppress(OSError):  # not empty: somebody else's
            MUNGE_SOCKET.parent.rmdir()

    def end(self, name, how=signal.SIGTERM):
        """End one daemon."""
        process = self.daemons.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @staticmethod
    def ask(*command):
        """What a SLURM command prints; empty where it fails."""
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    def jobs(self, *states):
        """Rule and wildcards of the jobs in these states (any, if none is named) by their ids."""
        chosen = ",".join(states) or "all"
        lines = self.ask("squeue", "--noheader", f"--states={chosen}", "--format=%i|%k")
        return dict(line.split("|", 1) for line in lines.splitlines())

    def unfinished(self):
        return self.jobs("pending", "running", "completing")

    def job(self, rule):
        """Id of the newest job of this rule and these wildcards; None where there was none."""
        ids = [number for number, name in self.jobs().items() if name == rule]
        return max(ids, key=int, default=None)

    def details(self, number):
        """What scontrol says of a job."""
        return dict(re.findall(r"(\S+?)=(\S*)", self.ask("scontrol", "show", "job", str(number))))

    def _spawn(self, name, command):
        # However this process ends, they get to know.
        command = ["setpriv", "--pdeathsig=TERM", *command]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _write_configuration(self):
        for name in ("state", "spool", "devices"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        CONFIGURATION.mkdir(exist_ok=True)
        gpus = []
        for number in range(2):
            device = self.folder / f"devices/nvidia{number}"
            # A character device, so that SLURM sets CUDA_VISIBLE_DEVICES; this one is /dev/null.
            os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))
            gpus.append(f"Name=gpu File={device}\n")
        text = SLURM_CONF.format(host=self.host, folder=self.folder, ports=free_ports(2))
        for name, content in (
            ("slurm.conf", text),
            ("gres.conf", "".join(gpus)),
            ("cgroup.conf", "CgroupPlugin=cgroup/v1\n"),
        ):
            (CONFIGURATION / name).write_text(MARK + content)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The cluster, running."""
    if reason := obstacle():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    check_foreign()
    install()
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Checkout:
    """The project in a folder of its own, as a clone is, and the runs started in it."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    @classmethod
    def fresh(cls, folder):
        folder.mkdir()
        for name in PROJECT:
            if (REPOSITORY / name).is_dir() and not (REPOSITORY / name).is_symlink():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(REPOSITORY / name, folder / name, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(REPOSITORY / name, folder / name, follow_symlinks=False)
        return cls(folder)

    def copy(self, folder):
        """The same with all that was made in it."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)

    def configure(self, settings):
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(settings))

    def start(self, *arguments):
        """Start snakemake as a user does, with the user's own settings where there are any."""
        command = [sys.executable, "-m", "snakemake", "--nocolor", *arguments]
        if (self.folder / "mine.yaml").exists():
            command += ["--configfile", "mine.yaml"]
        with (self.folder / f"run-{len(self.processes)}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
        return self.processes[-1]

    def start_on_cluster(self, *arguments):
        return self.start("--cores", "8", "--profile", "slurm", *arguments)

    def run(self, *arguments, seconds=3600):
        """Exit code of snakemake on this machine alone."""
        return self.start(*arguments).wait(seconds)

    def said(self):
        """What the last run printed."""
        return (self.folder / f"run-{len(self.processes) - 1}.log").read_text()

    def end(self):
        """End the runs that have not ended themselves."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory):
    """Makes checkouts, fresh or copied; ends what still runs in them."""
    made = []

    def make(source=None):
        folder = tmp_path_factory.mktemp("checkouts") / "upwind"
        made.append(Checkout.fresh(folder) if source is None else source.copy(folder))
        return made[-1]

    yield make
    for checkout in made:
        checkout.end()
