"""What systemd hears of a service, and what it must not hear."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from events import make_events
from harness import binary, die_with_parent, wait_until
from notify import Supervisor, children_of

_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_ATTACH, _PTRACE_DETACH, _WALL = 16, 17, 0x40000000
_ACCEPT = {"43", "288"}  # accept and accept4 of x86_64


@contextlib.contextmanager
def stopped_thread(thread):
    """Stops one thread of a process, as a deadlock would."""
    attach = _LIBC.ptrace(_PTRACE_ATTACH, thread, None, None)
    if attach != 0:
        pytest.skip("needs root: ptrace is not allowed")
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        _LIBC.ptrace(_PTRACE_DETACH, thread, None, None)


def listener_of(pid):
    """The thread that accepts connections of the network, not of the control
    socket."""
    unix = {line.split()[6] for line in
            pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        call = (task / "syscall").read_text().split()
        if call[0] not in _ACCEPT:
            continue
        link = os.readlink(f"/proc/{pid}/fd/{int(call[1], 16)}")
        if link.removeprefix("socket:[").rstrip("]") not in unix:
            return int(task.name)
    return None


def switches(pid):
    """Context switches of all threads so far."""
    count = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                count += int(line.split()[1])
    return count


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_ready_means_that_the_api_answers(site, kind):
    address = site.root / "notify" if kind == "path" else \
        f"@levelkeep-{os.getpid()}"
    with Supervisor(address) as supervisor:
        server = site.serve(NOTIFY_SOCKET=supervisor.address).launch()
        supervisor.wait("READY=1")
        assert server.is_ready(), server.log()
        assert supervisor.lines("STATUS=")[0] == "STATUS=starting"
        supervisor.wait("STATUS=listening on http://127.0.0.1:")
        assert not supervisor.lines("WATCHDOG=1")
        # Without a watchdog, nothing wakes up the process.
        time.sleep(0.5)
        before = switches(server.process.pid)
        time.sleep(1.5)
        assert switches(server.process.pid) - before <= 2
        server.stop()
        supervisor.wait("STOPPING=1")
        assert supervisor.lines("STOPPING=1") == ["STOPPING=1"]


def slow_check(site):
    """A levelkeep-check that first computes until the file `go` is there, and
    leaves its environment in the file `environment`."""
    script = site.root / "slow-check"
    real = pathlib.Path(binary()).with_name("levelkeep-check")
    script.write_text(
        f"#!/bin/sh\nenv > {site.root}/environment\n"
        f"while [ ! -e {site.root}/go ]; do :; done\nexec {real} \"$@\"\n")
    script.chmod(0o755)
    return script


def test_progress_alone_extends_a_restore_at_the_start(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 500))
        server.api.post("/api/backup/create")
        server.api.append(make_events(seed, "w", 500, 1))
    archive = site.backups / site.archives()[0]
    for sidecar in (site.backups / ".levelkeep").glob("**/*.verified"):
        sidecar.unlink()
    # Packed again: an archive of tar was never verified.
    unpacked = site.root / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", unpacked], check=True)
    subprocess.run(["tar", "-czf", site.root / "foreign.tar.gz", "-C",
                    unpacked, *[p.name for p in unpacked.iterdir()
                                if p.is_dir()]], check=True)
    site.drop(site.root / "foreign.tar.gz")
    with Supervisor(site.root / "notify") as supervisor:
        server = site.serve(
            NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC=60_000_000,
            LEVELKEEP_CHECK_PROGRAM=slow_check(site)).launch()
        begun = time.monotonic()
        supervisor.wait("STATUS=restoring foreign.tar.gz ")
        child = wait_until(lambda: children_of(server.process.pid),
                           "a check runs")[0]
        working = time.monotonic()
        wait_until(lambda: len(supervisor.lines("EXTEND_TIMEOUT_USEC=",
                                                working)) >= 2,
                   "each second of work extends the start", 20)
        # A check that hangs extends nothing: systemd will end the start.
        os.killpg(child, signal.SIGSTOP)
        time.sleep(1.2)  # the last step before
        stopped = time.monotonic()
        time.sleep(2.2)
        assert supervisor.lines("EXTEND_TIMEOUT_USEC=", stopped) == []
        assert not supervisor.lines("READY=1")
        os.killpg(child, signal.SIGCONT)
        supervisor.wait("EXTEND_TIMEOUT_USEC=120000000", stopped)
        (site.root / "go").touch()
        supervisor.wait("READY=1")
        supervisor.wait("WATCHDOG=1")
        assert server.is_ready() and server.api.head() == 500
        # No child can speak for the server.
        variables = (site.root / "environment").read_text()
        assert "NOTIFY_SOCKET" not in variables
        assert "WATCHDOG" not in variables
        assert not supervisor.lines("WATCHDOG=1")[2:], \
            f"too often in {time.monotonic() - begun} s"
        server.stop()


def test_the_watchdog_hears_of_a_server_that_works(site, seed):
    with Supervisor(site.root / "notify") as supervisor, \
            site.serve(NOTIFY_SOCKET=supervisor.address,
                       WATCHDOG_USEC=1_500_000, API_TOKEN="secret-token",
                       AUTO_BACKUP_ENABLED="true",
                       BACKUP_RATE_LIMIT=300_000) as server:
        for first in range(0, 1500, 250):
            server.api.append(make_events(seed, "w", first, 250))
        began = time.monotonic()
        backup = threading.Thread(target=server.api.post,
                                  args=("/api/backup/create",))
        backup.start()
        supervisor.wait("STATUS=running: create ", began)
        # A backup that takes longer than the watchdog's time is no fault.
        time.sleep(2)
        assert len(supervisor.lines("WATCHDOG=1", began)) >= 3
        assert backup.is_alive(), "the backup was too fast for this test"
        backup.join(60)
        listener = listener_of(server.process.pid)
        assert listener is not None
        with stopped_thread(listener):
            time.sleep(0.6)  # the check that has begun
            stopped = time.monotonic()
            time.sleep(1.6)
            assert supervisor.lines("WATCHDOG=1", stopped) == []
        supervisor.wait("WATCHDOG=1", stopped)
        assert "the watchdog's check failed" in server.log()


def test_a_worker_is_ready_and_lives(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 1))
    with Supervisor(site.root / "notify") as supervisor:
        worker = subprocess.Popen(
            [binary(), "worker"], cwd=site.root,
            env=site.environment({"NOTIFY_SOCKET": supervisor.address,
                                  "WATCHDOG_USEC": 900_000}),
            stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        supervisor.wait("READY=1")
        supervisor.wait("STATUS=waiting for backups in ")
        wait_until(lambda: len(supervisor.lines("WATCHDOG=1")) >= 3,
                   "the worker lives")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0, worker.stderr.read()
        supervisor.wait("STOPPING=1")
