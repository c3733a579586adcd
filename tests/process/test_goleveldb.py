"""A database that goleveldb keeps (geth, Syncthing, Fabric): it locks LOCK by
flock(2), and its files differ in small ways from those of LevelDB."""

import contextlib
import pathlib
import shutil
import struct
import subprocess

import pytest

from harness import (COMMAND_SECONDS, STOP_SECONDS, die_with_parent,
                     wait_until)
from store import archive_keys, digest_tree, read_keys

SOURCE = pathlib.Path(__file__).parent / "goleveldb" / "keeper.go"
SLOTS = 20000
LARGE_EACH = 997
LARGE_KEYS = 2000
REFUSED = 3
NEVER = 1 << 62


@pytest.fixture(scope="module")
def keeper(tmp_path_factory):
    """The program keeper.go, built with Debian's library, offline."""
    go = shutil.which("go", path="/usr/bin") or shutil.which("go")
    assert go, "no go: scripts/install-packages.sh test installs it"
    folder = tmp_path_factory.mktemp("keeper")
    program = folder / "keeper"
    subprocess.run(
        [go, "build", "-o", str(program), str(SOURCE)], check=True,
        timeout=600, cwd=folder, env={
            "PATH": "/usr/bin:/bin", "HOME": str(folder), "GO111MODULE": "off",
            "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "GOPROXY": "off",
            "GOCACHE": str(folder / "cache")})
    return program


class Writer:
    """`keeper write` on a site's database."""

    def __init__(self, site, keeper, life):
        self.head_path = site.root / "head"
        site.storage.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [str(keeper), "write", str(site.db), str(self.head_path),
             str(life)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, preexec_fn=die_with_parent)
        assert self.process.stdout.readline() == "ready\n"

    @property
    def holder(self):
        return f"(pid {self.process.pid}, keeper)"

    def head(self):
        """The newest write that was acknowledged."""
        return struct.unpack("<Q", self.head_path.read_bytes())[0]

    def stop(self):
        """Ends the writes and closes the database; returns head()."""
        self.process.stdin.close()
        assert self.process.wait(STOP_SECONDS) == 0
        return self.head()


@contextlib.contextmanager
def writing(site, keeper, life=NEVER):
    writer = Writer(site, keeper, life)
    try:
        yield writer
    finally:
        writer.process.kill()
        writer.process.wait(STOP_SECONDS)


def value(number):
    return b"%012d %0100d" % (number, number * 7919)


def assert_exact(keys, at_least):
    """All writes up to one are there, and no later one; returns its number."""
    head = int(keys.pop(b"head").split()[0])
    assert head >= at_least, f"acknowledged: {at_least}, there: {head}"
    for number in range(max(1, head - SLOTS + 1), head + 1):
        key = b"slot:%06d" % (number % SLOTS)
        assert keys.pop(key) == value(number), f"write {number} is missing"
    large = head - head % LARGE_EACH
    for i in range(LARGE_KEYS if large else 0):
        assert keys.pop(b"large:%06d" % i) == value(large), f"write {large}"
    assert not keys, f"nobody wrote {sorted(keys)[:3]}"
    return head


def create(site):
    return site.run("create", "--json").expect(0).json()


def check_backup(site, made, at_least):
    site.run("verify", made["name"]).expect(0)
    return assert_exact(archive_keys(site.backups / made["name"]), at_least)


def test_backups_beside_a_writer_at_full_speed(site, keeper):
    with writing(site, keeper) as writer:
        last = 0
        for _ in range(5):
            acknowledged = writer.head()
            made = create(site)
            assert made["way"] == "external"
            last = check_backup(site, made, max(acknowledged, last))
        assert writer.process.poll() is None
        acknowledged = writer.stop()
    assert assert_exact(read_keys(site.db), acknowledged) == acknowledged
    assert acknowledged > last
    site.assert_swept()


def test_backups_of_a_database_that_is_opened_all_the_time(site, keeper):
    """Each opening makes a MANIFEST whose first edit names tables twice, and
    LOCK is free for moments."""
    with writing(site, keeper, life=300) as writer:
        last = 0
        for _ in range(4):
            acknowledged = writer.head()
            made = create(site)
            assert made["way"] in ("external", "offline")
            last = check_backup(site, made, max(acknowledged, last))
        acknowledged = writer.stop()
    assert assert_exact(read_keys(site.db), acknowledged) == acknowledged


def test_a_held_database_is_neither_restored_nor_served(site, keeper):
    with writing(site, keeper) as writer:
        made = create(site)
        for command in (("restore", made["name"], "--yes"), ("serve",)):
            refused = site.run(*command, settings={"API_PORT": 1}).expect(4)
            assert writer.holder in refused.err
            assert "hint:" in refused.err
        dropped = site.drop(site.backups / made["name"])
        site.run("serve", settings={"API_PORT": 1}).expect(4)
        assert dropped.is_file(), "the drop is tried again later"
        assert writer.process.poll() is None
        acknowledged = writer.stop()
    assert assert_exact(read_keys(site.db), acknowledged) == acknowledged


def test_goleveldb_is_kept_out_while_we_have_it(site, keeper):
    def try_it():
        return subprocess.run([str(keeper), "try", str(site.db)],
                              timeout=COMMAND_SECONDS).returncode
    with site.serve():
        assert try_it() == REFUSED
    assert try_it() == 0


def test_a_closed_database_comes_back_as_it_was(site, keeper):
    with writing(site, keeper, life=3000) as writer:
        wait_until(lambda: writer.head() >= 10_000, "10,000 writes")
        acknowledged = writer.stop()
    before = digest_tree(site.db)
    made = create(site)
    assert made["way"] == "offline"
    check_backup(site, made, acknowledged)
    after = digest_tree(site.db)
    after.pop("BACKUP_ID")
    after.pop("DATABASE_ID")
    assert after == before
    site.run("restore", made["name"], "--yes").expect(0)
    assert assert_exact(read_keys(site.db), acknowledged) == acknowledged
    # goleveldb goes on with the restored database.
    assert subprocess.run([str(keeper), "try", str(site.db)],
                          timeout=COMMAND_SECONDS).returncode == 0
    assert assert_exact(read_keys(site.db), acknowledged) == acknowledged
