"""The process around the program: descriptors, limits, signals, kills."""

import contextlib
import json
import os
import resource
import signal
import subprocess

import plyvel
import pytest

from events import make_events
from harness import (binary, die_with_parent, injected, is_sanitized,
                     wait_until)
from hostile_harness import fill_with_noise
from store import read_events

LOG_TEXT = (b"BackupManager", b"EventBus", b"listening", b"[Server]")


def fill(path, count, size, rng):
    """A database of `count` entries that can't be compressed, in small files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(plyvel.DB(
            str(path), create_if_missing=True, write_buffer_size=65536,
            max_file_size=1 << 20)) as db:
        for number in range(count):
            db.put(b"k%08d" % number, rng.randbytes(size))


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>&-", "<&- >&-"],
                         ids=["all", "errors", "input-output"])
def test_closed_descriptors(site, seed, closed):
    """No database file gets the number of a stream that is printed to."""
    prefix = ["bash", "-c", f'exec "$0" "$@" {closed}']
    with site.serve(prefix=prefix) as server:
        for number in range(3):
            link = os.readlink(f"/proc/{server.process.pid}/fd/{number}")
            assert str(site.root) not in link or link.endswith(".log"), link
        server.api.append(make_events(seed, "w", 0, 5))
        name = server.api.create()["name"]
        server.api.post("/api/backup/restore", {"backupName": name}).ok()
        server.api.append(make_events(seed, "w", 5, 5))
    for path in (*site.storage.rglob("*"), *site.backups.rglob("*")):
        if path.is_file() and not path.name.endswith((".gz", ".json")):
            found = [text for text in LOG_TEXT if text in path.read_bytes()]
            assert not found, (path, found)
    assert len(read_events(site.db)) == 10


def limited(which, soft, hard=None):
    """A command prefix: the program runs with that limit."""
    option = {resource.RLIMIT_FSIZE: "fsize",
              resource.RLIMIT_NOFILE: "nofile"}[which]
    return ["prlimit", f"--{option}={soft}:{soft if hard is None else hard}"]


def test_limit_of_file_sizes(site, seed, rng):
    """A backup fails because of the limit; the start warns of it."""
    fill(site.db, 6000, 400, rng)
    prefix = limited(resource.RLIMIT_FSIZE, 1500 << 10)
    failed = site.run("create", prefix=prefix).expect(1)
    assert "File too large" in failed.err and "ulimit -f" in failed.err
    assert site.archives() == [] and site.left_overs() == []
    with site.serve(prefix=prefix) as server:
        assert "ulimit -f, LimitFSIZE" in server.log()
        problem = server.api.post("/api/backup/create").problem(500)
        assert "File too large" in problem["detail"]
        server.api.append(make_events(seed, "w", 0, 5))
    assert site.archives() == [] and site.left_overs() == []


def test_signal_for_the_state(site, seed):
    with site.serve(AUTO_BACKUP_ENABLED="true") as server:
        server.api.append(make_events(seed, "w", 0, 5))
        name = server.api.create()["name"]
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "the newest is " + name in server.log(),
                   "the state is in the log")
        assert "state: the database is open" in server.log()
        assert "next run: 2" in server.log()
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: server.log().count("state: the database") == 2,
                   "the state is told again")
        assert server.process.poll() is None


def start(site, *arguments, prefix=(), **settings):
    return subprocess.Popen(
        [*prefix, binary(), *arguments], cwd=site.root, env=site.environment(settings),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)


def parts(site):
    return [p.name for p in site.backups.glob(".levelkeep-*.part")]


@pytest.mark.parametrize("number, prefix", [
    (signal.SIGHUP, ["nohup"]),
    (signal.SIGINT, ["bash", "-c", "trap '' INT; exec \"$0\" \"$@\""]),
], ids=["nohup", "background"])
def test_what_the_caller_ignores_ends_no_job(site, rng, number, prefix):
    fill(site.db, 4000, 400, rng)
    slow = start(site, "create", prefix=prefix, BACKUP_RATE_LIMIT=1_000_000)
    wait_until(lambda: parts(site), "it is at work")
    slow.send_signal(number)
    out, _ = slow.communicate(timeout=300)
    assert slow.returncode == 0, out
    assert len(site.archives()) == 1


def test_a_parent_that_ignores_its_children(site, seed):
    """Inherited, this setting would hide how levelkeep-check ended."""
    prefix = ["bash", "-c", "trap '' CHLD; exec \"$0\" \"$@\""]
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 5))
        name = server.api.create()["name"]
    for verb in (["verify", name], ["worker", "--once"],
                 ["restore", name, "--yes"]):
        site.run(*verb, prefix=prefix).expect(0)
    assert len(read_events(site.db)) == 5


def test_no_more_threads_is_told(site):
    """The error is also the one object that --json prints."""
    failed = site.run("list", "--json", prefix=injected(
        "/^clone3?$", "error=EAGAIN")).expect(1)
    told = failed.json()
    assert told["success"] is False and told["exitCode"] == 1, failed.text
    assert "no more threads" in told["message"], failed.text
    assert "ulimit -u" in told["hint"] and "hint: " in failed.err


def test_halves_of_killed_creates(site, rng):
    fill(site.db, 4000, 400, rng)
    for verb in ("rotate", "create"):
        slow = start(site, "create", BACKUP_RATE_LIMIT=200_000)
        wait_until(lambda: parts(site), "it is at work")
        slow.kill()
        slow.wait()
        assert parts(site)
        site.run(verb).expect(0)
        assert parts(site) == []
    site.assert_swept()


def test_a_start_spares_a_create_at_work(site, rng):
    """serve is restarted while `levelkeep create` reads its database."""
    with site.serve() as server:
        fill_with_noise(server, rng, 8)
        # Without its socket, the program works beside the server.
        (site.work / "control.sock").unlink()
        slow = start(site, "create", "--json", BACKUP_RATE_LIMIT=2_000_000)
        wait_until(lambda: parts(site), "it is at work")
        scratch = list(site.work.glob("scratch-*"))
        assert scratch
        server.kill9()
    with site.serve() as server:
        assert all(path.exists() for path in scratch) and slow.poll() is None
        out, _ = slow.communicate(timeout=300)
        assert slow.returncode == 0, out
        name = json.loads(out)["name"]
        server.api.post(f"/api/backup/{name}/verify", {"depth": "full"})
        site.run("verify", name).expect(0)


@pytest.mark.skipif(is_sanitized(), reason="it has descriptors of its own")
def test_few_descriptors(site, rng):
    """A backup that could be made can be restored."""
    count = 8400
    fill(site.db, count, 1000, rng)
    for soft, hard in ((64, 64), (24, 4096)):
        prefix = limited(resource.RLIMIT_NOFILE, soft, hard)
        name = json.loads(
            site.run("create", "--json", prefix=prefix).expect(0).out)["name"]
        site.run("verify", name, prefix=prefix).expect(0)
        target = site.root / f"out-{soft}"
        site.run("restore", name, "--to", target, prefix=prefix).expect(0)
        with contextlib.closing(plyvel.DB(str(target))) as db:
            assert sum(1 for _ in db) == count
        site.run("restore", name, "--yes", prefix=prefix).expect(0)
    with contextlib.closing(plyvel.DB(str(site.db))) as db:
        assert sum(1 for _ in db) == count


def test_too_few_descriptors_are_told(site, rng):
    fill(site.db, 100, 100, rng)
    site.run("create").expect(0)
    target = site.root / "out"
    failed = site.run("restore", "latest", "--to", target,
                      prefix=limited(resource.RLIMIT_NOFILE, 4))
    assert failed.code != 0 and "ulimit -n" in failed.err, failed.text
    assert not target.exists()
