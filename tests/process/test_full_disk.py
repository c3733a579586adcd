"""A small real file system that fills up in the middle of the work."""

import contextlib
import subprocess
import threading
import time

from events import make_events
from harness import STOP_SECONDS, injected, wait_until
from mounts import memory_disk
from restore_case import SETTINGS, Case, state_of
from store import assert_archive_sound, read_events

MIB = 1 << 20
# Slow fsyncs, so that the disk can fill up in the middle of a backup.
SLOW_DISK = injected("fsync", "delay_enter=30000")


class Filler:
    """Takes all the space that is left, as soon as `condition` holds."""

    def __init__(self, disk, condition):
        self.file = disk / "somebody-elses"
        self.condition = condition
        self.filled = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._thread.join(STOP_SECONDS)
        self.file.unlink(missing_ok=True)
        return False

    def join(self):
        self._thread.join(STOP_SECONDS)

    def _run(self):
        deadline = time.monotonic() + STOP_SECONDS
        while not self.condition():
            if time.monotonic() > deadline:
                return
            time.sleep(0.001)
        with open(self.file, "wb", buffering=0) as file:
            for step in (MIB, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * step)
        self.filled = True


def size_of_part(site):
    return sum(path.stat().st_size
               for path in site.backups.glob(".levelkeep-*.part"))


def test_backups_fill_up_in_the_middle_of_a_create(site, seed):
    slow = {**SETTINGS, "BACKUP_RATE_LIMIT": 4 * MIB, "BACKUP_RESERVE": 0,
            "BACKUP_REUSE": "false"}
    with memory_disk(site.backups, 24 * MIB), site.serve(**slow) as server:
        server.api.append_all(make_events(seed, "w", 0, 8000))
        first = server.api.create()["name"]
        with Filler(site.backups,
                    lambda: size_of_part(site) > MIB) as filler:
            reply = server.api.post("/api/backup/create", {})
            filler.join()
            assert filler.filled
            problem = reply.problem(507)
            assert problem["code"] == "no_space", problem
            assert site.archives() == [first], "half an archive was published"
            assert size_of_part(site) == 0
            # The application goes on.
            server.api.append(make_events(seed, "later", 0, 10))
            assert server.api.get("/api/health").status == 200
        second = server.api.create()["name"]
        for name in (first, second):
            assert_archive_sound(site.backups / name)
        assert len(read_events(site.db)) == 8010


def test_storage_fills_up_in_the_middle_of_a_restore(folder, seed):
    case = Case(folder, seed, 60, 12_000)
    site = case.fresh()
    storage = folder / "small"
    with memory_disk(storage, 48 * MIB):
        subprocess.run(["cp", "-a", f"{site.storage}/.", str(storage)],
                       check=True)
        site.storage = storage
        site.db = storage / site.db.name
        site.work = storage / ".levelkeep" / "event_registry_db"
        settings = {"STORAGE_DIR": storage, "BACKUP_RESERVE": 0}
        with Filler(storage, lambda: any(
                site.work.glob("staging-*/*.ldb"))) as filler:
            done = site.run("restore", case.archive, "--yes",
                            prefix=SLOW_DISK, settings=settings)
            filler.join()
            assert filler.filled
            assert done.code == 6, (done.code, done.text)
            assert "space" in done.err and "hint:" in done.err, done.err
            assert state_of(case, read_events(site.db)) == "old"
            wait_until(lambda: not site.left_overs(), "the staging to go")
        site.run("restore", case.archive, "--yes",
                 settings=settings).expect(0)
        assert state_of(case, read_events(site.db)) == "new"


def test_storage_fills_up_under_the_events(site, seed):
    """Acknowledged events are there; refused events may be sent again."""
    with memory_disk(site.storage, 16 * MIB):
        acknowledged = 0
        with site.serve(**SETTINGS) as server:
            server.api.append(make_events(seed, "w", 0, 100))
            acknowledged = 100
            with Filler(site.storage, lambda: True) as filler:
                filler.join()
                for number in range(40):
                    reply = server.api.post(
                        "/api/events",
                        make_events(seed, "w", acknowledged, 100))
                    if reply.status != 201:
                        reply.problem(503, 507)
                        break
                    acknowledged = reply.json()["last"]
                else:
                    raise AssertionError("a full disk took everything")
        with site.serve(**SETTINGS) as server:
            assert server.api.head() >= acknowledged
            server.api.append(make_events(seed, "later", 0, 100))
