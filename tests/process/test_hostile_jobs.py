"""Many jobs at once: each is done or refused, and no state is lost."""

import concurrent.futures
import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from events import make_events
from harness import wait_until
from hostile_harness import Watch, fill_with_noise
from raw_http import Closed, Raw, get
from store import assert_archive_sound, assert_gapless, read_events

COUNT = 2000


def test_hundred_creates_at_once(site, seed):
    with site.serve(MAX_BACKUPS=200) as server:
        server.api.append_all(make_events(seed, "w", 0, COUNT))
        start = threading.Barrier(100)

        def create(number):
            start.wait(60)
            return server.api.post("/api/backup/create",
                                   {"label": f"n{number}"})
        with Watch(server):
            with ThreadPoolExecutor(100) as pool:
                replies = list(pool.map(create, range(100)))
        done = [reply.json()["name"] for reply in replies
                if reply.status == 200]
        for reply in replies:
            if reply.status != 200:
                assert reply.problem(409)["code"] == "busy"
                assert int(reply.headers["Retry-After"]) > 0
        print(f"{len(done)} of 100 creates succeeded")
        assert done and len(set(done)) == len(done)
        assert sorted(b["name"] for b in server.api.backups()) == sorted(done)
        assert site.archives() == sorted(done)
        for name in done:
            # The events, and the record that names the last event.
            assert verify(server, name)["entries"] == COUNT + 1
            assert_archive_sound(site.backups / name)
        assert server.api.head() == COUNT
    site.assert_swept()


def verify(server, name):
    """Verifies in full, as soon as no other job runs."""
    replies = []

    def tried():
        replies.append(server.api.post(f"/api/backup/{name}/verify",
                                       {"depth": "full"}))
        return replies[-1].status != 409
    wait_until(tried, f"{name} could be verified")
    return replies[-1].ok()


class Chaos:
    """Random jobs from many threads on a store that nobody writes to.

    Every restore then leads to the same events, whichever backup it takes: at
    the end, the store must hold exactly these events.
    """

    ALLOWED = {"create": (200, 409), "restore": (200, 404, 409),
               "restore-live": (200, 404, 409), "verify": (200, 404, 409, 503),
               "delete": (200, 404, 409), "rotate": (200, 409),
               "pin": (200, 404, 409), "unpin": (200, 404, 409),
               "download": (200, 404), "list": (200,), "events": (200, 503)}

    def __init__(self, server, rng):
        self.server = server
        self.rng = rng
        self.lock = threading.Lock()
        self.counts = {}
        self.failed = []

    def names(self):
        return [b["name"] for b in self.server.api.backups()]

    def one(self, _):
        with self.lock:
            job = self.rng.choice(list(self.ALLOWED))
        # Only a few tries: most of the time some other job is running.
        for _ in range(8):
            if self.try_job(job) != 409:
                return
            time.sleep(0.02)

    def try_job(self, job):
        with self.lock:
            name = self.rng.choice(self.names())
        reply = self.send(job, name)
        with self.lock:
            key = (job, reply.status)
            self.counts[key] = self.counts.get(key, 0) + 1
            if reply.status not in self.ALLOWED[job]:
                self.failed.append((job, reply.status, reply.body[:500]))
        if reply.status >= 400:
            reply.problem(reply.status)
        elif job == "download":
            digest = hashlib.sha256(reply.body).hexdigest()
            # Until its digest is in a file, the ETag is made of size and time.
            assert reply.headers["ETag"] == f'"{digest}"' or \
                reply.headers["ETag"].startswith(f'"{len(reply.body)}-'), name
        return reply.status

    def send(self, job, name):
        api = self.server.api
        if job == "create":
            return api.post("/api/backup/create")
        if job in ("restore", "restore-live"):
            body = {"backupName": name}
            if job == "restore-live":
                body["mode"] = "live"
            return api.post("/api/backup/restore", body)
        if job == "verify":
            return api.post(f"/api/backup/{name}/verify", {"depth": "full"})
        if job == "delete":
            return api.request("DELETE", f"/api/backup/{name}")
        if job == "rotate":
            return api.post("/api/backup/rotate")
        if job == "pin":
            return api.post(f"/api/backup/{name}/pin")
        if job == "unpin":
            return api.request("DELETE", f"/api/backup/{name}/pin")
        if job == "download":
            return api.get(f"/api/backup/download/{name}")
        if job == "list":
            return api.get("/api/backup/list")
        return api.get("/api/events?limit=10")


def test_all_jobs_at_once(site, seed, rng, rounds):
    with site.serve(MAX_BACKUPS=6) as server:
        server.api.append_all(make_events(seed, "w", 0, COUNT))
        for _ in range(4):
            server.api.create()
        chaos = Chaos(server, rng)
        with Watch(server, store_closes=True):
            with ThreadPoolExecutor(12) as pool:
                list(pool.map(chaos.one, range(rounds(250))))
        print(sorted(chaos.counts.items()))
        assert not chaos.failed, chaos.failed[:10]
        for job in ("create", "restore", "verify", "rotate", "download"):
            # By chance, no try of a job may have succeeded. Alone it must.
            if (job, 200) not in chaos.counts:
                wait_until(lambda: chaos.try_job(job) == 200, f"a {job}")
        assert server.api.health()["status"] == "ok"
        assert_gapless(seed, server.api.events())
        assert server.api.head() == COUNT
        listed = chaos.names()
        assert sorted(listed) == site.archives()
        for name in listed:
            verify(server, name)
        # The server still works: no job is stuck.
        server.api.append(make_events(seed, "after", 0, 5))
        server.api.create()
    assert len(read_events(site.db)) == COUNT + 5
    site.assert_swept()


def slow_download(server, target, between):
    """Reads a little, then slowly while `between` happens, then the rest. The
    server drops a client that reads nothing for ten seconds."""
    with Raw(server.port, receive_buffer=65536) as raw:
        raw.send(get(target))
        head = raw.take_until(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0]
        size = int(head.lower().split(b"content-length: ")[1]
                   .split(b"\r\n")[0])
        body = raw.take(100_000)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            happens = pool.submit(between)
            while not happens.done() and size - len(body) > 100_000:
                body += raw.take(50_000)
                concurrent.futures.wait([happens], 1)
            happens.result()
        while len(body) < size:
            body += raw.take(min(500_000, size - len(body)))
            time.sleep(0.01)
        return body


def test_what_happens_to_a_backup_that_is_being_downloaded(site, seed, rng):
    with site.serve(MAX_BACKUPS=1) as server:
        server.api.append_all(make_events(seed, "w", 0, 200))
        fill_with_noise(server, rng, 24)
        names = [server.api.create()["name"] for _ in range(2)]
        content = {name: (site.backups / name).read_bytes()
                   for name in site.archives()}
        name = site.archives()[0]
        assert name in names

        def delete():
            server.api.request(
                "DELETE", f"/api/backup/{name}?force=true").ok()
            server.api.get(f"/api/backup/download/{name}").problem(404)
        with Watch(server):
            got = slow_download(server, f"/api/backup/download/{name}",
                                delete)
        assert got == content[name]
        kept = server.api.create()["name"]

        def rotate():
            newer = server.api.create()["name"]
            verify(server, newer)
            stays = server.api.post("/api/backup/rotate").ok()["kept"]
            assert [entry["reasons"] for entry in stays
                    if entry["name"] == kept] == [["in use"]]

        def is_rotated():
            server.api.post("/api/backup/rotate").ok()
            return kept not in [b["name"] for b in server.api.backups()]
        before = (site.backups / kept).read_bytes()
        with Watch(server):
            assert slow_download(server, f"/api/backup/download/{kept}",
                                 rotate) == before
        wait_until(is_rotated, "the download has ended")
        restored = server.api.backups()[0]["name"]
        before = (site.backups / restored).read_bytes()

        def restore():
            server.api.post("/api/backup/restore",
                            {"backupName": restored}).ok()
        with Watch(server, store_closes=True):
            assert slow_download(server, f"/api/backup/download/{restored}",
                                 restore) == before
        assert server.api.head() == 224
    site.assert_swept()


def test_sigterm_during_a_download(site, seed, rng):
    with site.serve() as server:
        fill_with_noise(server, rng, 24)
        name = server.api.create()["name"]
        content = (site.backups / name).read_bytes()
        with Raw(server.port, receive_buffer=65536) as raw:
            raw.send(get(f"/api/backup/download/{name}"))
            raw.take_until(b"\r\n\r\n")
            body = raw.take(100_000)
            server.stop()
            try:
                body += raw.take(len(content) - len(body))
            except Closed:
                body += raw.input
        # The body is whole or visibly short, and never has other bytes.
        assert content.startswith(body)
    assert_archive_sound(site.backups / name)
