"""Every file system call of the real program goes wrong once: the process is
killed at it, or it fails with EIO or ENOSPC. The store is the old or the new
one, nothing acknowledged is lost, nothing half done has a final name.

A run takes a random selection; LEVELKEEP_PROCESS_ROUNDS multiplies its size,
and 1000 rounds are all calls.
"""

import concurrent.futures
import fnmatch
import os
import re
import shutil

import pytest

from crash_scenarios import (KILLED, Create, Drill, Drop, LiveRestore,
                             Recovery, Restore, Rotate, Serve, Undo)
from system_calls import faults_at, points_of, tracing

FAULTS_A_RUN = 24  # of each scenario, times the rounds
NOT_LOADED = 127  # the dynamic loader met the fault
# The exit codes that docs/cli.md promises.
EXIT_CODES = (0, 1, 2, 3, 4, 5, 6, 7)
NO_SPACE = 6


def try_fault(scenario, fault):
    site = scenario.copy()
    outcome = scenario.attempt(site, fault.prefix())
    try:
        if outcome.code == KILLED:
            assert fault.name == "KILL", "another process killed it"
        elif outcome.code == NOT_LOADED:
            assert "shared libraries" in outcome.text, outcome.text
        else:
            assert outcome.code in EXIT_CODES, outcome.code
            # The write that fails may be that of the error message.
            if outcome.code != 0 and fault.point.call != "write":
                assert re.search(r"error: \S", outcome.text), outcome.text
                if outcome.code == NO_SPACE:
                    assert "hint: " in outcome.text, outcome.text
        scenario.check(site, outcome)
    except BaseException:
        print(f"--- {fault}: exit code {outcome.code}\n"
              f"{outcome.text[-3000:]}")
        raise
    shutil.rmtree(site.root)
    return outcome.code == KILLED


@pytest.mark.parametrize("kind", (Create, Rotate, Drill, Restore, Undo, Drop,
                                  Recovery, Serve, LiveRestore))
def test_each_call_goes_wrong_once(folder, seed, rng, rounds, kind):
    scenario = kind(folder, seed)
    trace = folder / "trace"
    site = scenario.copy()
    outcome = scenario.attempt(site, tracing(trace))
    assert outcome.code == 0, outcome.text
    scenario.check(site, outcome)
    every = faults_at(points_of(trace, site.root))
    chosen = rng.sample(every, min(len(every), rounds(FAULTS_A_RUN)))
    wanted = os.environ.get("LEVELKEEP_PROCESS_FAULT")
    if wanted:  # "EIO at fsync#3", "KILL at *"
        chosen = [fault for fault in every
                  if fnmatch.fnmatchcase(str(fault), wanted)]
    failures = []
    kills = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tried = {pool.submit(try_fault, scenario, fault): fault
                 for fault in chosen}
        for done in concurrent.futures.as_completed(tried):
            try:
                kills += done.result()
            except BaseException as error:
                failures.append(f"{tried[done]}: {error}")
    print(f"{kind.__name__}: {len(chosen)} of {len(every)} faults, "
          f"{kills} of them killed the program")
    assert not failures, (f"{len(failures)} failed "
                          f"(LEVELKEEP_PROCESS_FAULT repeats one):\n"
                          + "\n".join(sorted(failures)[:20]))
