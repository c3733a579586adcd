#!/usr/bin/python3
"""A million events through HTTP, one backup, a move to a second
installation. It is run by hand and is not part of the test suite:

    LEVELKEEP_BIN=build/release/bin/levelkeep tests/process/million.py

Prints figures; fails if a single event is missing or changed.
"""

import json
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from events import Writers, make_events  # noqa: E402
from harness import Site, wait_until  # noqa: E402
from store import (archive_events, assert_archive_sound,  # noqa: E402
                   assert_gapless)

SEED = int(os.environ.get("LEVELKEEP_PROCESS_SEED", "1"))


def folder_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*")
               if path.is_file())


def peak_memory_kib(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines()
                    if line.startswith("VmHWM")))


def say(what, value):
    print(f"{what:44} {value}", flush=True)


def first_installation(site, events):
    with site.serve(MAX_BACKUPS=3) as server:
        begin = time.monotonic()
        with Writers(server.api, SEED, threads=3, batch=500,
                     total=events) as writers:
            writers.join()
        assert not writers.errors, writers.errors
        took = time.monotonic() - begin
        say("events appended", f"{events} in {took:.1f} s, "
            f"{events / took:.0f} per second")
        say("database", f"{folder_bytes(site.db) / 1e6:.0f} MB")
        say("memory before the backup", f"{peak_memory_kib(server)} KiB")
        begin = time.monotonic()
        made = server.api.create("million", timeout=1800)
        say("create", f"{time.monotonic() - begin:.2f} s")
        say("archive", f"{made['size'] / 1e6:.0f} MB")
        say("memory after the backup", f"{peak_memory_kib(server)} KiB")
        begin = time.monotonic()
        wait_until(lambda: server.api.backups()[0]["verified"],
                   "full verification", 1800, 0.2)
        say("full verification in the background",
            f"{time.monotonic() - begin:.2f} s")
        say("health", json.dumps(server.api.health())[:400])
        begin = time.monotonic()
        server.api.post("/api/backup/restore",
                        {"backupName": made["name"]}, timeout=1800).ok()
        say("live restore", f"{time.monotonic() - begin:.2f} s")
        assert server.api.head() == events
    return site.backups / made["name"]


def second_installation(site, archive, events):
    site.drop(archive)
    begin = time.monotonic()
    with site.serve() as server:
        say("start with a dropped archive",
            f"{time.monotonic() - begin:.2f} s")
        assert server.api.head() == events
        first, _ = server.api.append(make_events(SEED, "moved", 0, 1))
        assert first == events + 1
        backup = server.api.health()["backup"]
        say("second installation's health", json.dumps(backup)[:200])
    begin = time.monotonic()
    with site.serve() as server:
        say("start without a restore", f"{time.monotonic() - begin:.2f} s")


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    root = pathlib.Path(tempfile.mkdtemp(prefix="levelkeep-million-"))
    say("seed", SEED)
    try:
        archive = first_installation(Site(root / "first"), events)
        second_installation(Site(root / "second"), archive, events)
        assert_archive_sound(archive)
        stored = archive_events(archive)
        assert len(stored) == events
        assert_gapless(SEED, stored)
        say("archive's events, each compared", len(stored))
        say("memory of this script", f"""{resource.getrusage(
            resource.RUSAGE_SELF).ru_maxrss} KiB""")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
