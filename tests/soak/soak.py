"""Half an hour of what an installation lives through in years.

    LEVELKEEP_BIN=build/release/bin/levelkeep \\
      /usr/bin/python3 tests/soak/soak.py --minutes 30

A writer never stops; every five seconds a backup is made (and rotation
removes one); now and then a random backup is restored; now and then the
server is killed. A model in this process knows what was acknowledged, and the
store is compared with it after every kill and every restore. In a third of
the time there are no kills, so that a leak of memory or descriptors shows. In
the end every backup that is kept must verify in full.

Ends with 0 and a line of counts, or with 1 and what was found. The seed is
printed and taken back (--seed).
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "process"))

from events import assert_is_as_sent, make_events  # noqa: E402
from harness import Site  # noqa: E402

SETTINGS = {"MAX_BACKUPS": 12, "BACKUP_VERIFY": "true", "LOG_LEVEL": "warn"}
CREATE_SECONDS = 5
BATCH = 40
PAUSE = 0.1           # between batches
LARGEST = 40_000      # events, then an old backup is restored
MIB = 1 << 20
# Allocators and caches settle below this growth; more than that is a leak.
MAY_GROW_BYTES = 48 * MIB
MAY_GROW_FILES = 24


class Model:
    """What the store must hold. Names are (writer, number) of an event."""

    def __init__(self):
        self.lock = threading.RLock()
        self.names = []       # acknowledged, by sequence
        self.asked = None     # names of a batch whose answer never came
        self.backups = {}     # name -> the names that it holds
        self.restoring = None

    def check(self, seed, events):
        """Adopts what the store holds, if the store may hold that."""
        found = []
        for position, event in enumerate(events, 1):
            assert event["sequence"] == position, f"gap at {position}"
            assert_is_as_sent(seed, event)
            found.append((event["data"]["writer"], event["data"]["number"]))
        allowed = [self.names]
        if self.asked:
            allowed.append(self.names + self.asked)
        if self.restoring:
            allowed.append(self.backups[self.restoring])
        assert found in allowed, (
            f"the store holds {len(found)} events, "
            f"{' or '.join(str(len(names)) for names in allowed)} expected")
        self.names, self.asked, self.restoring = found, None, None


class Soak:
    def __init__(self, folder, seed):
        self.site = Site(folder)
        self.seed = seed
        self.random = random.Random(seed)
        self.model = Model()
        self.server = None
        self.api = None
        self.stop = threading.Event()
        self.alive = threading.Event()
        self.next_number = 0
        self.failures = []
        self.counts = {name: 0 for name in (
            "events", "creates", "restores", "kills", "starts")}
        self.peaks = []  # (resident bytes, descriptors)

    # --- the server ---

    def start(self):
        self.server = self.site.serve(**SETTINGS).launch()
        self.server.wait_ready()
        self.api = self.server.api
        self.counts["starts"] += 1
        with self.model.lock:
            self.model.check(self.seed, self.api.events())
        self.alive.set()

    def kill(self):
        self.alive.clear()
        self.server.kill9()
        self.counts["kills"] += 1
        with self.model.lock:  # free when no work waits for an answer
            pass

    def measure(self):
        process = pathlib.Path(f"/proc/{self.server.process.pid}")
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages = int((process / "statm").read_text().split()[1])
            files = len(os.listdir(process / "fd"))
            self.peaks.append((pages * os.sysconf("SC_PAGE_SIZE"), files))

    # --- the work; each kind runs in a thread of its own ---

    def run(self, work, pause):
        """Repeats `work` while a server is there."""
        while not self.stop.is_set():
            try:
                if self.alive.wait(0.1):
                    work()
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                pass  # the server was killed meanwhile
            except Exception as error:
                if self.alive.is_set():
                    self.failures.append(f"{type(error).__name__}: {error}")
                    self.stop.set()
            self.stop.wait(pause())

    def append(self):
        model = self.model
        with model.lock:
            if not self.alive.is_set() or len(model.names) > LARGEST:
                return
            events = make_events(self.seed, "w", self.next_number, BATCH)
            self.next_number += BATCH
            model.asked = [("w", event["data"]["number"])
                           for event in events]
            reply = self.api.post("/api/events", events)
            if reply.status == 503:  # a restore is being applied
                model.asked = None
                return
            assert reply.status == 201, reply.body[:500]
            first = reply.json()["first"]
            assert first == len(model.names) + 1, (first, len(model.names))
            model.names += model.asked
            model.asked = None
            self.counts["events"] += BATCH

    def create(self):
        with self.model.lock:
            before = len(self.model.names)
            lineage = self.model.names
        reply = self.api.post("/api/backup/create", {"label": "soak"})
        if reply.status in (409, 429, 503):
            return
        assert reply.status == 200, reply.body[:500]
        name = reply.json()["name"]
        manifest = self.api.get(f"/api/backup/{name}")
        if manifest.status == 404:  # rotated already
            return
        with self.model.lock:
            last = manifest.ok()["backup"]["manifest"]["eventCount"]
            # A restore in between: the backup may hold another past.
            if self.model.names[:before] == lineage[:before] and \
                    before <= last <= len(self.model.names):
                self.model.backups[name] = self.model.names[:last]
        self.counts["creates"] += 1

    def restore(self):
        with self.model.lock:
            if not self.alive.is_set():
                return
            there = {backup["name"] for backup in
                     self.api.get("/api/backup/list").ok()["backups"]}
            known = sorted(there & set(self.model.backups))
            if not known:
                return
            name = self.random.choice(known)
            self.model.restoring = name
            reply = self.api.post("/api/backup/restore",
                                  {"backupName": name, "mode": "live"})
            if reply.status in (404, 409, 503):
                self.model.restoring = None
                return
            assert reply.status == 200, reply.body[:500]
            self.model.names = list(self.model.backups[name])
            self.model.restoring = None
            self.model.check(self.seed, self.api.events())
            self.counts["restores"] += 1

    # --- the whole ---

    def live(self, seconds, kills):
        end = time.monotonic() + seconds
        first = len(self.peaks)
        while time.monotonic() < end and not self.stop.is_set():
            step = self.random.uniform(1, 20) if kills else 1
            self.stop.wait(min(step, max(0, end - time.monotonic())))
            if kills:
                self.kill()
                self.start()
            else:
                self.measure()
        return self.peaks[first:]

    def flatness(self, samples):
        """Judges the growth after the first quarter, which is for settling."""
        early = samples[len(samples) // 8:len(samples) // 4]
        late = samples[-max(1, len(samples) // 8):]
        if not early:
            return
        grown = [max(s[i] for s in late) - max(s[i] for s in early)
                 for i in (0, 1)]
        print(f"in {len(samples)} s without a kill: resident memory "
              f"{max(s[0] for s in early) / MIB:.1f} -> "
              f"{max(s[0] for s in late) / MIB:.1f} MiB, descriptors "
              f"{max(s[1] for s in early)} -> {max(s[1] for s in late)}")
        if grown[0] > MAY_GROW_BYTES or grown[1] > MAY_GROW_FILES:
            self.failures.append(f"it grew by {grown}")

    def finish(self):
        self.alive.clear()
        with self.model.lock:
            self.server.stop()
        self.start()
        self.alive.clear()
        self.server.stop()
        self.site.assert_swept()
        self.site.run("verify", "--all", timeout=1800).expect(0)
        return len(self.site.archives())

    def whole(self, minutes):
        self.start()
        threads = [threading.Thread(target=self.run, args=work) for work in (
            (self.append, lambda: PAUSE),
            (self.create, lambda: CREATE_SECONDS),
            (self.restore, lambda: self.random.uniform(5, 30)))]
        for thread in threads:
            thread.start()
        try:
            self.live(minutes * 40, kills=True)
            self.flatness(self.live(minutes * 20, kills=False))
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(120)
        assert not self.failures, self.failures
        kept = self.finish()
        print(", ".join(f"{count} {name}"
                        for name, count in self.counts.items())
              + f", {kept} backups kept, all verified")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1, 2**31))
    parser.add_argument("--dir", help="where the installation is made")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="levelkeep-soak-",
                                           dir=arguments.dir))
    try:
        Soak(folder, arguments.seed).whole(arguments.minutes)
    except BaseException:
        print(f"kept: {folder}")
        raise
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
