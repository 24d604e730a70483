"""A Slurm cluster of one node on this machine, which runs while a test runs."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

NEEDED = ("slurmctld", "slurmd", "squeue", "munged", "setpriv")
ETC = Path("/etc/slurm")  # jobs do not inherit SLURM_CONF, so it is the machine's own
PROGRAMS = ("slurmctld", "slurmd", "slurmstepd", "srun", "munged")
NAME = "aexad"  # of the cluster; Slurm gives it to each job's environment

# The two GPUs are device files without a GPU: Slurm counts them, and jobs compute on the CPU.
MARK = "# Written by aexad's tests/slurm, and removed by them."
CONFIG = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
# A job that is put back into the queue waits for so many seconds and one.
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=1,sched_interval=1,bf_interval=1
# Without cgroups: a job over its memory is seen by asking every second, and killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=5
ReturnToService=0
MpiDefault=none
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=100000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Cluster:
    """The daemons are children of this process and end with it, also when it is killed."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons = []
        self.written = []
        self.before = {process.pid for process in _of_slurm()}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) > 1:
            self.command("scancel", "--user=root", check=False)
            self._wait_until(lambda: not self.jobs(), 30, "jobs to end", strict=False)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        # Also processes of jobs: Slurm finds them by their parents, so one whose parent has ended
        # may stay when the node fails.
        left = self.left()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        for path in self.written:
            path.unlink(missing_ok=True)

    def left(self):
        """Processes of Slurm and of its jobs that started after this object was made."""
        return [process for process in _of_slurm() if process.pid not in self.before]

    def command(self, *arguments, check=True):
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert not check or result.returncode == 0, (arguments, result.stderr, self._logs())
        return result.stdout

    def jobs(self, states="PENDING,RUNNING,COMPLETING"):
        """Id, state and comment of each job; Snakemake writes the rules into the comment."""
        text = self.command("squeue", "-h", f"--states={states}", "-o", "%i|%T|%k", check=False)
        return [line.split("|", 2) for line in text.splitlines()]

    def all_jobs(self):
        return self.jobs("all")

    def node(self, state):
        """Set the node to a state: ``down``, or ``resume`` to end it."""
        reason = ["reason=test"] if state == "down" else []
        self.command("scontrol", "update", f"nodename={_host()}", f"state={state}", *reason)

    def _start(self):
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        if not any(process.name() == "munged" for process in _of_slurm()):
            self._start_munge()
        text = CONFIG.format(
            name=NAME,
            host=_host(),
            folder=self.folder,
            controller_port=_free_port(),
            node_port=_free_port(),
        )
        self._write(ETC / "slurm.conf", text)
        self._write(ETC / "gres.conf", "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D")
        self._wait_until(
            lambda: "idle" in self.command("sinfo", "-h", "-o", "%t", check=False),
            60,
            "the node to be idle",
        )

    def _start_munge(self):
        run = Path("/run/munge")
        run.mkdir(mode=0o755, exist_ok=True)
        shutil.chown(run, "munge", "munge")
        user = ("--reuid", "munge", "--regid", "munge", "--init-groups")
        self._daemon("munged", "--foreground", user=user)
        self._wait_until(
            lambda: (
                subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0
            ),
            20,
            "munge",
        )

    def _daemon(self, *command, user=()):
        with (self.folder / f"{command[0]}.log").open("w") as log:
            self.daemons.append(
                subprocess.Popen(
                    ["setpriv", *user, "--pdeathsig", "TERM", *command], stdout=log, stderr=log
                )
            )

    def _write(self, path, text):
        ours = not path.exists() or path.read_text().startswith(MARK)  # of a test that was killed
        assert ours, f"{path} exists: this machine already has a Slurm"
        self.written.append(path)
        path.write_text(f"{MARK}\n{text}")

    def _wait_until(self, true, seconds, what, strict=True):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                assert not strict, f"waited {seconds} s for {what}; {self._logs()}"
                return
            time.sleep(0.3)

    def _logs(self):
        return "\n".join(
            f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.log")
        )


def missing():
    """Programs or rights that this machine lacks to run a cluster; empty if none."""
    if os.geteuid() != 0:
        return "not root"
    return ", ".join(name for name in NEEDED if shutil.which(name) is None)


def _of_slurm():
    # Without zombies: processes that have ended and wait until init notices it.
    return [
        process
        for process in psutil.process_iter(["name", "status", "environ"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and (
            process.info["name"] in PROGRAMS
            or (process.info["environ"] or {}).get("SLURM_CLUSTER_NAME") == NAME
        )
    ]


def _host():
    return socket.gethostname().partition(".")[0]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
