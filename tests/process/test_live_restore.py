"""Restore through the API without a restart, with all habits of clients."""

import http.client
import subprocess
import threading
import time

import pytest

from events import Writers, assert_is_as_sent, make_events
from harness import wait_until
from store import read_events

PS7 = ("Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.26100; en-US) "
       "PowerShell/7.5.0")
PS51 = ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) "
        "WindowsPowerShell/5.1.26100.1")


def test_restore_is_live_and_undo_brings_it_back(site, seed):
    with site.serve() as server:
        api = server.api
        api.append(make_events(seed, "w", 0, 100))
        name = api.create("before")["name"]
        saved = api.events()
        api.append(make_events(seed, "w", 100, 50))
        newest = api.events()

        preview = api.post("/api/backup/restore",
                           {"backupName": name, "dryRun": True}).ok()
        assert preview["success"] is True
        assert api.events() == newest, "the dry run changed something"

        reply = api.post("/api/backup/restore", {"backupName": name}).ok()
        assert reply["success"] is True and reply["applied"] is True
        assert reply["message"] == "Restore complete."
        assert reply["restartCommand"] == \
            "docker-compose restart app worker"
        assert api.events() == saved
        assert api.append(make_events(seed, "again", 0, 1)) == (101, 101)
        assert api.health()["backup"]["available"] is True
    site.run("restore", "--undo", "--yes").expect(0)
    with site.serve() as server:
        assert server.api.events() == newest
    site.assert_swept()


def test_undo_is_live_too(site, seed):
    with site.serve() as server:
        api = server.api
        api.append(make_events(seed, "w", 0, 20))
        first = api.create("first")["name"]
        saved = api.events()
        api.append(make_events(seed, "w", 20, 20))
        second = api.create("second")["name"]
        api.append(make_events(seed, "w", 40, 20))
        newest = api.events()
        for name in (second, first):
            api.post("/api/backup/restore", {"backupName": name}).ok()
        assert api.events() == saved
        undone = api.post("/api/backup/undo", {"all": True}).ok()
        assert undone["lastSequence"] > 0 and undone["epoch"]
        assert api.events() == newest
        again = api.post("/api/backup/undo", {"all": True})
        assert again.status == 404
        assert api.events() == newest
        api.post("/api/backup/undo", {}).ok()
        assert api.events() == saved
        assert api.append(make_events(seed, "later", 0, 1)) == (21, 21)
    site.assert_swept()


def test_staged_restore_waits_for_the_restart(site, seed):
    with site.serve(RESTART_COMMAND="systemctl restart shop") as server:
        api = server.api
        api.append(make_events(seed, "w", 0, 30))
        name = api.create()["name"]
        saved = api.events()
        api.append(make_events(seed, "w", 30, 5))
        reply = api.post("/api/backup/restore",
                         {"backupName": name, "mode": "stage"}).ok()
        assert reply["message"] == ("Restore complete. Restart application "
                                    "to apply changes.")
        assert reply["restartCommand"] == "systemctl restart shop"
        assert len(api.events()) == 35
    with site.serve() as server:
        assert server.api.events() == saved
    assert name in site.archives(), "the backup itself moved away"
    site.assert_swept()


def test_writers_see_only_success_or_a_clear_refusal(site, seed):
    """Appends during live restores: each is acknowledged and is in one of the
    two histories, or is refused as busy. The store stays whole."""
    with site.serve() as server:
        api = server.api
        api.append(make_events(seed, "base", 0, 200))
        name = api.create()["name"]
        statuses = []
        stop = threading.Event()

        def write():
            number = 0
            while not stop.is_set():
                reply = api.post("/api/events",
                                 make_events(seed, "live", number, 5))
                statuses.append((reply.status,
                                 reply.headers.get("Retry-After")))
                number += 5
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            api.post("/api/backup/restore", {"backupName": name}).ok()
        stop.set()
        for thread in threads:
            thread.join(60)
        assert {status for status, _ in statuses} <= {201, 503, 409}
        assert all(retry for status, retry in statuses if status == 503)
        events = api.events()
        for position, event in enumerate(events, 1):
            assert event["sequence"] == position
            assert_is_as_sent(seed, event)
    assert read_events(site.db) == events


class Subscriber:
    """Reads /api/events/stream until it ends."""

    def __init__(self, port, last_event_id=None):
        self.ids = []
        self.ended = False
        self._connection = http.client.HTTPConnection("127.0.0.1", port,
                                                      timeout=120)
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        self._connection.request("GET", "/api/events/stream", None, headers)
        self.answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for line in self.answer:
                if line.startswith(b"id:"):
                    self.ids.append(int(line[3:].strip()))
        except (OSError, http.client.HTTPException) as error:
            self.error = error
        self.ended = True

    def close(self):
        self._connection.close()


def test_subscribers_survive_a_restore_or_end_cleanly(site, seed):
    with site.serve() as server:
        api = server.api
        api.append(make_events(seed, "w", 0, 20))
        name = api.create()["name"]
        api.append(make_events(seed, "w", 20, 10))
        stream = Subscriber(server.port, last_event_id=0)
        assert stream.answer.status == 200
        assert stream.answer.headers["Content-Type"].startswith(
            "text/event-stream")
        wait_until(lambda: len(stream.ids) >= 30, "thirty events streamed")
        assert stream.ids == list(range(1, 31))
        api.post("/api/backup/restore", {"backupName": name}).ok()
        first, _ = api.append(make_events(seed, "after", 0, 3))
        assert first == 21
        wait_until(lambda: stream.ended or len(stream.ids) > 30,
                   "the subscriber hears of it or ends", 60)
        late = Subscriber(server.port, last_event_id=20)
        wait_until(lambda: late.ids == [21, 22, 23], "a new subscriber",
                   60)
        begin = time.monotonic()
        server.stop()  # open streams do not keep it alive
        print(f"stopped in {time.monotonic() - begin:.2f} s")
        wait_until(lambda: stream.ended and late.ended, "streams end", 30)


def curl(server, path, *options):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *options,
         f"http://127.0.0.1:{server.port}{path}"],
        text=True, timeout=90, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("agent, extra", [
    (PS7, []),
    (PS51, ["-H", "Connection: Keep-Alive", "-H", "Expect: 100-continue"]),
])
def test_powershell_requests_replayed(site, seed, agent, extra):
    """JSON bodies that are declared as forms, as by Invoke-WebRequest."""
    form = ["-X", "POST", "-H", f"User-Agent: {agent}", "-H", "Accept:",
            "-H", "Content-Type: application/x-www-form-urlencoded", *extra]
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        status, body = curl(server, "/api/backup/create", *form,
                            "--data-binary", '{"label":"migration-export"}')
        assert status == 200, body
        name = site.archives()[0]
        assert name.endswith("_migration-export.tar.gz")
        status, body = curl(server, "/api/backup/create", *form, "-d", "")
        assert status == 200, body
        status, body = curl(server, "/api/backup/list", "-H",
                            f"User-Agent: {agent}")
        assert status == 200 and name in body
        status, body = curl(server, "/api/backup/restore", *form,
                            "--data-binary", f'{{"backupName":"{name}"}}')
        assert status == 200, body
        status, body = curl(server, "/api/health")
        assert status == 200
        assert server.api.head() == 10


def test_download_equals_the_file_and_resumes(site, seed, folder):
    with site.serve() as server:
        server.api.append_all(make_events(seed, "w", 0, 2000))
        made = server.api.create()
        path = f"/api/backup/download/{made['name']}"
        target = folder / "got.tar.gz"
        status, _ = curl(server, path, "-o", str(target))
        content = (site.backups / made["name"]).read_bytes()
        assert status == 200 and target.read_bytes() == content
        target.write_bytes(content[:10_000])
        status, _ = curl(server, path, "-o", str(target), "-C", "10000")
        assert status == 206 and target.read_bytes() == content
        reply = server.api.get(path, headers={
            "If-None-Match": f'"{made["sha256"]}"'})
        assert reply.status == 304
        reply = server.api.get(path, headers={"Range": "bytes=99999999-"})
        assert reply.status == 416


def test_undo_of_a_live_restore_keeps_later_events_reachable(site, seed):
    """An undo brings back what was written after a restore, too."""
    with site.serve() as server:
        api = server.api
        with Writers(api, seed, threads=2, batch=10, total=400) as writers:
            writers.join()
        name = api.create()["name"]
        api.post("/api/backup/restore", {"backupName": name}).ok()
        api.append(make_events(seed, "later", 0, 7))
        later = api.events()
    site.run("restore", "--undo", "--yes").expect(0)
    assert len(read_events(site.db)) == 400
    site.run("restore", "--undo", "--yes").expect(0)
    assert read_events(site.db) == later
