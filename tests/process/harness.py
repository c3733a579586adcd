"""Runs the real binary: installations, servers, and the operator's tool.

A `Site` is one installation: a folder with storage/, backups/ and restore/.
A `Server` is `levelkeep serve` in it. Everything listens on 127.0.0.1, every
wait is bounded, and every child dies with the test.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from client import Api

START_SECONDS = 90      # a bound for hanging, not a speed requirement
STOP_SECONDS = 30       # what the product promises for SIGTERM
COMMAND_SECONDS = 120

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def binary():
    """The program under test, from LEVELKEEP_BIN."""
    path = os.environ.get("LEVELKEEP_BIN")
    if not path:
        raise RuntimeError("set LEVELKEEP_BIN to the program levelkeep")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"LEVELKEEP_BIN={path} is no program")
    return os.path.abspath(path)


def is_sanitized():
    """Whether the program has sanitizers, which take memory and time."""
    return os.environ.get("LEVELKEEP_SANITIZED") == "1"


def die_with_parent():
    """For preexec_fn: no server survives a killed test run, and no server
    ignores SIGINT because a test run in the background does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_until(condition, what, seconds=START_SECONDS, step=0.02):
    """Polls until `condition()` is true; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{seconds} s passed without: {what}")
        time.sleep(step)


# Families of system calls, for strace's /regular expression/ form: which
# member of a family the C library uses depends on the machine.
RENAME = "/^rename(at2?)?$"
UNLINK = "/^(unlink(at)?|rmdir)$"
MKDIR = "/^mkdir(at)?$"
FSYNC = "/^fsync$"
OPEN = "/^open(at)?$"


def listening_port(pid):
    """The TCP port of 127.0.0.1 that process `pid` listens on, or None."""
    sockets = set()
    try:
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                sockets.add(os.readlink(descriptor.path))
        # The kernel takes milliseconds to make the table: not at each poll.
        if not any(name.startswith("socket:") for name in sockets):
            return None
        table = pathlib.Path(f"/proc/{pid}/net/tcp").read_text()
    except OSError:  # the process has ended
        return None
    for line in table.splitlines()[1:]:
        # As in proc(5): addresses in hexadecimal, state 0A is LISTEN.
        _, local, _, state, *rest = line.split()
        if state == "0A" and f"socket:[{rest[5]}]" in sockets:
            return int(local.split(":")[1], 16)
    return None


def injected(calls, what):
    """A command prefix: strace does `what` to the program at these calls.

    With -D, strace is not between us and the program: our child is the program
    itself, with its own signals and exit codes.
    """
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null",
            "-e", f"trace={calls}", "-e", f"inject={calls}:{what}"]


def killed_at(calls, occurrence):
    """A command prefix: SIGKILL at the n-th such call of any one thread."""
    return injected(calls, f"signal=KILL:when={occurrence}")


class Finished:
    """What a command left behind."""

    def __init__(self, process, command):
        self.command = command
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def text(self):
        return self.out + self.err

    def json(self):
        return json.loads(self.out)

    def expect(self, code):
        assert self.code == code, (
            f"{self.command}: exit {self.code}, not {code}\n"
            f"--- stdout\n{self.out}\n--- stderr\n{self.err}")
        return self


class Site:
    """One installation in a folder of its own."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.storage = self.root / "storage"
        self.backups = self.root / "backups"
        self.restore = self.root / "restore"
        self.db = self.storage / "event_registry_db"
        self.work = self.storage / ".levelkeep" / "event_registry_db"
        self.root.mkdir(parents=True, exist_ok=True)
        self._servers = 0

    def environment(self, settings=None, prefix=()):
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
               "HOME": str(self.root), "LC_ALL": "C.UTF-8",
               # Only the tests of the timer want backups by the timer.
               "AUTO_BACKUP_ENABLED": "false"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        if is_sanitized() and "strace" in prefix:
            # The search for leaks can't trace a process that strace traces.
            env["ASAN_OPTIONS"] = \
                env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        for name, value in (settings or {}).items():
            env[name] = str(value)
        return env

    def run(self, *arguments, settings=None, timeout=COMMAND_SECONDS,
            prefix=(), text_input=None):
        """Runs one verb of the tool to its end."""
        command = [*prefix, binary(), *map(str, arguments)]
        process = subprocess.run(
            command, cwd=self.root, env=self.environment(settings, prefix),
            input=text_input, stdin=None if text_input else
            subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=timeout,
            preexec_fn=die_with_parent)
        return Finished(process, " ".join(command))

    def serve(self, prefix=(), program=None, **settings):
        self._servers += 1
        return Server(self, self._servers,
                      [*prefix, str(program or binary())], settings)

    def archives(self):
        """Names under which a backup is published, oldest first."""
        if not self.backups.is_dir():
            return []
        return sorted(p.name for p in self.backups.iterdir()
                      if re.fullmatch(r"backup_.*\.tar\.gz", p.name))

    def drop(self, archive, name=None, settled=True):
        """Copies an archive into restore/, as an operator does."""
        self.restore.mkdir(exist_ok=True)
        target = self.restore / (name or pathlib.Path(archive).name)
        shutil.copyfile(archive, target)
        if settled:  # else the start waits until the file stands still
            an_hour_ago = time.time() - 3600
            os.utime(target, (an_hour_ago, an_hour_ago))
        return target

    def left_overs(self):
        """Temporary files and folders that nothing should leave behind."""
        found = []
        for folder in (self.backups, self.restore, self.work, self.db):
            for path in folder.rglob("*") if folder.is_dir() else []:
                name = path.name
                if (name.endswith((".part", ".tmp")) 
                        or re.search(r"\.pin\d+$", name)
                        or name.startswith(("staging-", "trash-",
                                            "scratch-"))
                        or (path.parent == self.work
                            and name == "journal")):
                    found.append(str(path.relative_to(self.root)))
        return sorted(found)

    def assert_swept(self):
        """Waits, as a background verification has a folder while it runs."""
        end = time.monotonic() + 20
        while self.left_overs() and time.monotonic() < end:
            time.sleep(0.05)
        assert self.left_overs() == [], (
            "left-overs:\n" + "\n".join(self.left_overs()))

    def await_jobs(self):
        """Waits until the running server has ended all jobs: the next start
        would take up jobs that wait. A server without jobs has no runner. A job
        that has just begun may not have its record yet."""
        def ended():
            for _ in range(4):
                if [path for folder in ("open", "runners")
                        for path in self.backups.glob(
                            f".levelkeep/databases/*/jobs/{folder}/*")]:
                    return False
                time.sleep(0.05)
            return True

        wait_until(ended, "all jobs have ended")


class Server:
    """`levelkeep serve` in a site; a context manager.

    Leaving the block stops it by SIGTERM and demands exit code 0 within the
    promised time, unless it was killed or stopped before.
    """

    def __init__(self, site, number, command, settings):
        self.site = site
        self.command = command
        self.settings = settings
        self.log_path = site.root / f"serve-{number}.log"
        self.process = None
        self.expected_end = False
        self.port = None
        self.api = None

    def __enter__(self):
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.kill9()
            raise
        return self

    def __exit__(self, kind, error, trace):
        ended = self.process.poll()
        if kind is not None:
            self.kill9()
            print(f"--- exit code {ended}, log of {self.log_path}\n"
                  f"{self.log()[-6000:]}")
        elif ended is None:
            self.stop()
        else:
            # Right only if the test killed or stopped the server.
            assert self.expected_end, (
                f"serve ended by itself with {ended}:\n"
                f"{self.log()[-6000:]}")
        return False

    def launch(self):
        """Starts the process and does not wait until it is ready."""
        # Any free port: no two tests can ever get the same one.
        settings = {"API_PORT": 0, **self.settings}
        # The log is emptied: the site may be a copy of one that served before.
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve"], cwd=self.site.root,
                env=self.site.environment(settings, self.command),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        return self

    def is_ready(self):
        if self.port is None:
            # Not from the server's log: the write of that line may fail.
            self.port = listening_port(self.process.pid)
            if self.port is None:
                return False
            self.api = Api(self.port, self.settings.get("API_TOKEN"))
        with contextlib.suppress(OSError, http.client.HTTPException):
            # strace counts for each thread: each request may meet a fault.
            return (self.api.get("/readyz", timeout=5).status == 200
                    or "[Server] ready" in self.log())
        return False

    def alive_and_ready(self):
        """True when ready, False when the process died instead."""
        wait_until(lambda: self.process.poll() is not None
                   or self.is_ready(), "ready or dead")
        return self.process.poll() is None

    def wait_ready(self):
        assert self.alive_and_ready(), (
            f"serve ended with {self.process.returncode} before it was "
            f"ready:\n{self.log()[-6000:]}")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.expected_end = number != signal.SIGHUP
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; exit code 0 within 30 s."""
        self.signal(signal.SIGTERM)
        self.wait_stopped()

    def wait_stopped(self, code=0):
        try:
            ended = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(
                f"alive {STOP_SECONDS} s after SIGTERM:\n"
                f"{self.log()[-6000:]}") from None
        assert ended == code, (
            f"exit code {ended}, not {code}:\n{self.log()[-6000:]}")

    def kill9(self):
        self.expected_end = True
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(STOP_SECONDS)
