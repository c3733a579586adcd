"""Damaged, foreign and hostile archives, by every way in: each is refused with
a reason, and the live data stay unchanged."""

import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import tempfile

import pytest

from archives import BAD, INCOMPLETE, NO_VERDICT, database_files, make_bad
from conftest import sampled, session_seed
from events import make_events
from harness import Site, is_sanitized
from store import digest_tree, read_events, sha256

# tests/hostile/ reads all of them with sanitizers, too.
KINDS = random.Random(session_seed()).sample(sorted(BAD), sampled(len(BAD)))
BAD_NAME = "backup_2024-12-27_120000_bad.tar.gz"


@pytest.fixture(scope="module")
def source(request):
    """An archive of ours and the files of a closed database with tables."""
    root = tempfile.mkdtemp(prefix="levelkeep-process-")
    request.addfinalizer(lambda: shutil.rmtree(root, ignore_errors=True))
    site = Site(pathlib.Path(root) / "source")
    for part in range(3):  # a log becomes a table when the database opens
        with site.serve() as server:
            server.api.append(make_events(session_seed(), "s", part * 400,
                                          400))
            name = server.api.create()["name"]
    files = database_files(site.db)
    assert any(file.endswith(".ldb") for file in files)
    return site.backups / name, files


@pytest.fixture(scope="module")
def live(request, source):
    """One installation for all archives: no archive may change it."""
    root = tempfile.mkdtemp(prefix="levelkeep-process-")
    request.addfinalizer(lambda: shutil.rmtree(root, ignore_errors=True))
    site = Site(pathlib.Path(root) / "live")
    with site.serve() as server:
        server.api.append(make_events(session_seed(), "live", 0, 40))
        site.good = server.api.create("good")["name"]
        site.await_jobs()
    site.events = read_events(site.db)
    return site


# The most that any archive may make the program take.
MOST_MEMORY_KB = 256 * 1024


def peak_memory_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


def nothing_escaped(site):
    assert not pathlib.Path("/tmp/levelkeep-canary").exists()
    assert not (site.root / "000099.ldb").exists()
    assert not (site.storage / "000099.ldb").exists()
    assert not (site.work / "000099.ldb").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_tool_refuses(live, source, kind):
    archive, files = source
    bad = make_bad(kind, live.root / "in" / f"{kind}.tar.gz", files, archive)
    before = digest_tree(live.db)
    refused = live.run("restore", bad, "--yes", "--json")
    assert refused.code not in (0, 2), refused.text
    problem = refused.json()
    print(f"exit {refused.code}: {problem}")
    assert problem["success"] is False
    assert digest_tree(live.db) == before, "the live database was touched"
    verify = live.run("verify", bad)
    if kind == "version_comparator_foreign":  # the archive is of use elsewhere
        assert verify.code == 0 and "order" in verify.out, verify.text
    else:
        assert verify.code not in (0, 2, 4), verify.text
        assert (verify.code == 3) == (kind not in NO_VERDICT), verify.text
    nothing_escaped(live)
    live.assert_swept()


@pytest.fixture(scope="module")
def started(request, live, source):
    """For each kind: a copy of the installation that was started once with such
    an archive in restore/. The starts run side by side, because each waits for
    the drop to stand still."""
    archive, files = source
    root = pathlib.Path(tempfile.mkdtemp(prefix="levelkeep-process-"))
    request.addfinalizer(lambda: shutil.rmtree(root, ignore_errors=True))

    def start(kind):
        site = Site(shutil.copytree(live.root, root / kind))
        dropped = make_bad(kind, site.restore / f"{kind}.tar.gz", files,
                           archive)
        site.digest = sha256(dropped)
        with site.serve() as server:
            site.events_served = server.api.events()
            site.health = server.api.health()
            site.peak_kb = peak_memory_kb(server.process.pid)
        return site
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        return {kind: pool.submit(start, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_drop_folder_puts_it_aside(live, started, kind):
    site = started[kind].result()
    assert site.events_served == live.events
    assert site.health["status"] == "ok"
    nothing_escaped(site)
    site.assert_swept()
    assert is_sanitized() or site.peak_kb < MOST_MEMORY_KB
    if kind in NO_VERDICT | INCOMPLETE:
        assert sha256(site.restore / f"{kind}.tar.gz") == site.digest
        assert not list((site.restore / "rejected").glob("*"))
        return
    assert not (site.restore / f"{kind}.tar.gz").exists()
    rejected = site.restore / "rejected" / f"{kind}.tar.gz"
    assert sha256(rejected) == site.digest, "the archive was changed"
    reason = rejected.with_name(rejected.name + ".reason.txt").read_text()
    print(reason)
    assert reason.startswith(f"{kind}.tar.gz was not restored"), reason
    assert "\nwhy: " in reason and "\nwhat to do: " in reason, reason
    assert reason.replace("\n", "").isprintable(), reason


@pytest.fixture(scope="module")
def live_server(live):
    with live.serve() as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_api_restore_by_name_refuses(live, source, live_server, kind):
    """The archive comes into backups/ under a valid name, as from a rogue."""
    archive, files = source
    api = live_server.api
    bad = make_bad(kind, live.backups / BAD_NAME, files, archive)
    asked = {"backupName": BAD_NAME, "otherDatabase": True}
    try:
        reply = api.post("/api/backup/restore", asked)
        problem = reply.problem(422, 503)
        assert (problem["code"] == "corruption") == (kind not in NO_VERDICT)
        print(f"{kind}: {problem['code']}: {problem['detail']}")
        assert api.head() == 40
        assert api.events() == live.events
        listed = {b["name"]: b for b in api.backups()}
        assert BAD_NAME not in listed or \
            listed[BAD_NAME]["status"] != "verified"
    finally:
        bad.unlink()
    nothing_escaped(live)
    live.assert_swept()


def test_a_good_archive_still_works_after_the_bad_ones(live, live_server):
    api = live_server.api
    api.post("/api/backup/restore", {"backupName": live.good}).ok()
    assert api.events() == live.events


def test_verify_through_the_api_records_the_damage(site, seed):
    with site.serve(BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 0, 100))
        name = server.api.create()["name"]
        path = site.backups / name
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0x04
        path.write_bytes(content)
        reply = server.api.post(f"/api/backup/{name}/verify",
                                {"depth": "checksums"})
        reply.problem(422)
        entry = server.api.backups()[0]
        assert entry["status"] == "damaged" and not entry["verified"]
        health = server.api.health()
        assert health["status"] != "error"
    assert site.run("verify", name).code == 3


def test_links_and_pipes_under_backup_names_are_never_followed(site, seed,
                                                               folder):
    secret = folder / "secret.tar.gz"
    secret.write_bytes(b"outside")
    names = [f"backup_2024-01-0{n}_000000.tar.gz" for n in (1, 2, 3)]
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        (site.backups / names[0]).symlink_to(secret)
        os.mkfifo(site.backups / names[1])
        (site.backups / names[2]).mkdir()
        for name in names:
            reply = server.api.post("/api/backup/restore",
                                    {"backupName": name}, timeout=30)
            reply.problem(400, 404, 409, 422)
            reply = server.api.get(f"/api/backup/download/{name}",
                                   timeout=30)
            reply.problem(400, 403, 404, 409, 422)
        assert server.api.health()["backup"]["available"] is True
        server.api.create()
        assert server.api.head() == 10
    assert secret.read_bytes() == b"outside"
