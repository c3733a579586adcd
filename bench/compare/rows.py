"""A measured row, and how it is run."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import typing

import workspace

CREATE = "create"
SECOND = "second"
RESTORE = "restore"
OTHER = "other"


@dataclasses.dataclass
class Row:
    """One way to do one thing.

    `command` is a line for bash, run in an empty `out` folder after
    `prepare`, which is not measured. Where `reports` is set, the command
    prints its own times as JSON. `output` is measured for its size.
    """

    ident: str
    section: str
    title: str
    command: str
    programs: typing.Sequence[str] = ()
    peer: str = ""  # its name for --only; empty: always runs
    build: str = ""  # name of the LevelKeep build that it runs
    prepare: typing.Optional[typing.Callable[[], None]] = None
    reads: typing.Sequence[str] = ()
    output: str = ""
    reports: bool = False
    samples: typing.List[dict] = dataclasses.field(default_factory=list)
    state: str = ""  # the reason if it has no samples

    def missing(self):
        """The first of its programs that is not installed, or ""."""
        for program in self.programs:
            if shutil.which(program) is None:
                return os.path.basename(program)
        return ""


def busy_seconds():
    """Processor time of the whole machine since it was started."""
    with open("/proc/stat", encoding="utf-8") as file:
        ticks = [int(field) for field in file.readline().split()[1:]]
    # user, nice, system, idle, iowait, irq, softirq, steal
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def run_measured(space, command):
    """Runs a line of bash; returns its measures and what it printed."""
    result = os.path.join(space.root, "measured.json")
    workspace.remove(result)
    busy = busy_seconds()
    # In a session of its own, so that all its processes end if we are stopped.
    with subprocess.Popen(
            [space.program("measure"), result, "bash", "-euo", "pipefail",
             "-c", command],
            env=space.env, cwd=space.out, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True) as process:
        try:
            printed, complaints = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise workspace.Problem(f"measure failed: {complaints}")
    busy = busy_seconds() - busy
    with open(result, encoding="utf-8") as file:
        sample = json.load(file)
    # The share of the processors' time that went to other processes.
    sample["others_share"] = (
        max(0.0, busy - sample["cpu_s"]) /
        (sample["wall_s"] * len(os.sched_getaffinity(0))))
    if sample.pop("exit_code") != 0:
        raise workspace.Problem(f"a measured command failed: {command}\n"
                                f"{printed[-2000:]}{complaints[-2000:]}")
    return sample, printed


def run_row(space, row):
    """Measures a row once and adds the sample to it."""
    space.fresh_out()
    if row.prepare is not None:
        row.prepare()
    size_before = workspace.tree_bytes(row.output) if row.output else 0
    for path in row.reads:
        workspace.warm(path)
    # The writing of dirty pages from earlier rows must not count for this row.
    os.sync()
    sample, printed = run_measured(space, row.command)
    if row.reports:
        sample.update(json.loads(printed.strip().splitlines()[-1]))
    if row.output:
        sample["output_bytes"] = (
            workspace.tree_bytes(row.output) - size_before)
    row.samples.append(sample)
    return sample
