"""What every hostile HTTP test needs: load, oracles, a watched server."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from events import make_events
from harness import die_with_parent, is_sanitized, wait_until
from health_watch import resident_kib
from hostile_framing import GOOD
from hostile_requests import ABSENT, NAME
from raw_http import Closed, Raw, get
from store import digest_tree

HEALTH_SECONDS = 2.0      # promised for every answer, whatever goes on
GROWTH_KIB = 64 << 10     # growth of resident memory after the warm-up
FILES_LEFT = 16           # LevelDB's own files come and go


def open_files(pid):
    """(sockets, others) that the process holds."""
    sockets = others = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            is_socket = os.readlink(entry.path).startswith("socket:")
        except OSError:
            continue
        sockets += is_socket
        others += not is_socket
    return sockets, others


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


class Watch:
    """Watches the hostile part of a test: what must hold all the time.

    Health answers with 200 within two seconds, memory grows by less than
    64 MiB, and at the end sockets and threads are as at the beginning.
    `store_closes`: while a backup is restored, health may say 503.
    """

    def __init__(self, server, store_closes=False):
        self.server = server
        self.pid = server.process.pid
        self.store_closes = store_closes
        self.result = None

    def __enter__(self):
        self._warm_up()
        self.start = (open_files(self.pid), threads(self.pid))
        self.warm_kib = resident_kib(self.pid)
        script = pathlib.Path(__file__).with_name("health_watch.py")
        self.watcher = subprocess.Popen(
            [sys.executable, "-B", str(script), str(self.server.port),
             str(self.pid), self.server.settings.get("API_TOKEN", "")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        assert self.watcher.stdout.readline() == "watching\n"
        return self

    def _warm_up(self):
        def ask(_):
            self.server.api.get("/api/health").ok()
            self.server.api.get("/api/backup/list").ok()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(64)))
        wait_until(lambda: open_files(self.pid)[0] <= 2, "no client")

    def __exit__(self, kind, error, trace):
        out, _ = self.watcher.communicate("", timeout=120)
        self.result = json.loads(out)
        print(f"watched: {self.result}, warm {self.warm_kib} KiB")
        if kind is None:
            self._judge()
        return False

    def _judge_time_and_memory(self):
        result = self.result
        # An answer needs a handful of threads, each of which may run late.
        assert result["slowest"] < HEALTH_SECONDS + 10 * result["lag"], result
        growth = result["peak_kib"] - self.warm_kib
        assert growth < GROWTH_KIB, f"memory grew by {growth} KiB"

    def _judge(self):
        result = self.result
        assert self.server.process.poll() is None, "the server died"
        failures = [(path, what) for path, what in result["failures"]
                    if not (self.store_closes and what == 503)]
        assert not failures, failures[:10]
        assert result["asked"] > 0
        if not is_sanitized():
            self._judge_time_and_memory()
        (sockets, others), count = self.start
        wait_until(lambda: open_files(self.pid)[0] <= sockets,
                   "sockets as at the beginning")
        wait_until(lambda: threads(self.pid) <= count + 2,
                   "threads as at the beginning")
        assert open_files(self.pid)[1] <= others + FILES_LEFT


def warm_up(server, rng):
    """Ordinary work that fills what LevelDB and malloc keep for good."""
    for _ in range(12):
        server.api.append([{"type": "warm", "data": rng.randbytes(1000).hex()}
                           for _ in range(400)])
    server.api.events()
    server.api.create()


class Stalled:
    """Clients that send a beginning and then nothing; a context manager."""

    def __init__(self, port, count, data=b"", receive_buffer=None):
        self.clients = []
        for _ in range(count):
            raw = Raw(port, receive_buffer=receive_buffer)
            self.clients.append(raw)
            raw.send(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for raw in self.clients:
            raw.close()


class Drip:
    """Clients that each send one byte more from time to time, forever."""

    def __init__(self, port, count, begin, byte, pause=0.5):
        self.port, self.count, self.begin, self.byte = (port, count, begin,
                                                        byte)
        self.pause = pause
        self.reconnected = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def _run(self):
        clients = []
        try:
            while not self.ended.is_set():
                alive = [raw for raw in clients if raw.send(self.byte)]
                for raw in set(clients) - set(alive):
                    raw.close()
                    self.reconnected += 1
                clients = alive
                while len(clients) < self.count:
                    clients.append(Raw(self.port))
                    clients[-1].send(self.begin)
                self.ended.wait(self.pause)
        finally:
            for raw in clients:
                raw.close()


class Victim:
    """A server with events, one backup, and things that no client may reach."""

    def __init__(self, site, server, seed):
        self.site, self.server = site, server
        server.api.append(make_events(seed, "kept", 0, 50))
        self.name = server.api.create()["name"]
        assert len(self.name) == len(NAME)
        # The background verification writes a note beside the backup.
        wait_until(lambda: server.api.backups()[0]["verified"],
                   "the backup was verified")
        site.await_jobs()
        self.canary = site.root / "canary"
        self.canary.mkdir()
        (self.canary / "secret").write_text("canary: nobody may read this")
        for folder in (self.canary, site.restore):
            shutil.copyfile(site.backups / self.name, folder / ABSENT)
        self.kept = {folder: digest_tree(folder) for folder in
                     (self.canary, site.restore, site.backups)}
        self.allowed = 0
        self.lock = threading.Lock()

    def run(self, case, authorization=None, anonymous=False):
        """Runs one case; the connection must then be closed or in step."""
        raw = case.raw.replace(NAME.encode(), self.name.encode())
        if authorization:
            raw = raw.replace(b"\r\nHost: ", b"\r\nAuthorization: "
                              + authorization.encode() + b"\r\nHost: ")
        with Raw(self.server.port) as client:
            client.send(raw)
            if case.half_close:
                client.finish_sending()
            if anonymous:
                return self._check_anonymous(case, client)
            return self._check(case, client, authorization)

    def _check(self, case, client, authorization):
        answer = None
        for place, expected in enumerate(case.statuses):
            try:
                answer = client.answer()
                status = answer.status
            except Closed:
                status = None
            self._count(status)
            wanted = expected if isinstance(expected, set) else {expected}
            assert status in wanted, (
                f"answer {place} is {status}, not {expected}: "
                f"{answer and answer.body[:500]}")
            if place == 0 and case.code:
                assert answer.code == case.code, answer.body
            if status is None:
                return
        if answer.status == 100:
            client.send(GOOD)
            answer = client.answer()
            assert answer.status == 201, answer.body
            self._count(201)
        if answer.headers.get("connection") == "close":
            assert client.is_closed(), f"more came: {client.input[:300]!r}"
        else:
            client.send(get("/livez"))
            after = client.answer()
            assert after.status == 200, f"out of step: {after.body[:300]}"
            assert not client.input, client.input[:300]

    def _check_anonymous(self, case, client):
        """Without the token, some check refuses the request, whichever."""
        open_route = re.match(rb"(\r\n)*GET /(livez|readyz)[ ?]", case.raw)
        for expected in case.statuses:
            try:
                status = client.answer().status
            except Closed:
                return
            if status == 100:
                client.send(GOOD)
                status = client.answer().status
            assert open_route or (expected == 200 and b"/livez" in case.raw
                                  and status == 200) or status in {
                400, 401, 403, 408, 413, 414, 415, 417, 431, 501, 505}, status

    def _count(self, status):
        if status == 201:
            with self.lock:
                self.allowed += 1

    def run_all(self, cases, **options):
        """Runs all cases, eight at a time, and names every failure."""
        failed = []

        def run(case):
            try:
                self.run(case, **options)
            except (AssertionError, OSError, Closed, ValueError) as error:
                failed.append(f"{case.name}: {type(error).__name__} {error}")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(run, cases))
        print(f"{len(cases)} hostile requests, {options}")
        assert not failed, f"{len(failed)} failed:\n" + "\n".join(failed[:40])
        return len(cases)

    def judge(self):
        """Checks all that no hostile request may have changed."""
        events = self.server.api.events()
        for event in events:
            assert event["type"] != "smuggled", event
        stored = sum(event["type"] == "allowed" for event in events)
        assert stored == self.allowed, (stored, self.allowed)
        assert len(events) == 50 + stored
        assert [b["name"] for b in self.server.api.backups()] == [self.name]
        for folder, before in self.kept.items():
            assert digest_tree(folder) == before, folder
        self.site.assert_swept()


def assert_log_sound(server):
    """Each entry is one line, without control characters and secrets."""
    text = server.log_path.read_bytes()
    bad = re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|"
                    rb"\xe2\x80[\xa8-\xae]", text)
    assert not bad, f"in the log: {text[max(0, bad.start() - 100):][:200]!r}"
    for line in text.splitlines():
        assert re.match(rb"(\d{4}-\d\d-\d\dT|levelkeep |\{)", line), line
    token = server.settings.get("API_TOKEN")
    if token:
        assert token.encode() not in text


def fill_with_noise(server, rng, count):
    """Events of 700 KB, which a compressor halves."""
    for _ in range(count):
        server.api.append([{"type": "noise",
                            "data": rng.randbytes(350_000).hex()}])
