"""Two processes and one database: the second is told which process has it."""

import contextlib
import os
import subprocess

from events import make_events
from harness import die_with_parent
from store import archive_events, digest_tree, read_events

HOLD = """
import plyvel, sys
db = plyvel.DB(sys.argv[1], create_if_missing=False)
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held_by_plyvel(database):
    """Another program that has the database open."""
    process = subprocess.Popen(
        ["/usr/bin/python3", "-c", HOLD, str(database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=die_with_parent)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait(30)


def filled(site, seed, count=50):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, count))
        return server.api.create()["name"]


def test_serve_names_the_process_that_has_the_database(site, seed):
    filled(site, seed)
    with held_by_plyvel(site.db) as holder:
        refused = site.run("serve", settings={"API_PORT": 1}).expect(4)
        assert f"pid {holder.pid}" in refused.err
        assert "hint:" in refused.err
        assert (site.db / "LOCK").exists(), "a held LOCK was removed"
    with site.serve() as server:
        assert server.api.head() == 50


def test_drop_is_not_applied_while_another_process_has_the_database(
        site, seed):
    name = filled(site, seed)
    site.drop(site.backups / name)
    with held_by_plyvel(site.db) as holder:
        refused = site.run("serve", settings={"API_PORT": 1}).expect(4)
        assert f"pid {holder.pid}" in refused.err
    assert (site.restore / name).is_file(), "the drop is tried again later"
    with site.serve() as server:
        assert server.api.head() == 50
    assert (site.restore / "applied" / name).is_file()
    site.assert_swept()


def test_second_serve_names_the_first(site, seed):
    filled(site, seed)
    with site.serve() as first:
        # Nothing listens on port 1 by chance: the refusal comes before that.
        second = site.run("serve", settings={"API_PORT": 1}).expect(4)
        assert f"pid {first.process.pid}" in second.err
        assert first.api.append(make_events(seed, "x", 0, 1)) == (51, 51)
    assert len(read_events(site.db)) == 51


def test_second_serve_with_other_folders_of_the_same_database(site, seed):
    """The same database under other folder names, through a link."""
    filled(site, seed)
    alias = site.root / "alias"
    alias.symlink_to(site.storage)
    settings = {"API_PORT": 1, "STORAGE_DIR": alias,
                "BACKUP_DIR": site.root / "b2",
                "RESTORE_DIR": site.root / "r2"}
    with site.serve() as first:
        second = site.run("serve", settings=settings).expect(4)
        assert f"pid {first.process.pid}" in second.err


def test_restore_by_the_tool_refuses_a_held_database(site, seed):
    name = filled(site, seed)
    with held_by_plyvel(site.db) as holder:
        before = digest_tree(site.db)
        refused = site.run("restore", name, "--yes").expect(4)
        assert f"pid {holder.pid}" in refused.err
        assert digest_tree(site.db) == before
    site.run("restore", name, "--yes").expect(0)
    site.assert_swept()


def test_create_by_the_tool_beside_another_holder(site, seed):
    filled(site, seed)
    with held_by_plyvel(site.db):
        made = site.run("create", "--json").expect(0).json()
    assert made["way"] == "external"
    assert len(archive_events(site.backups / made["name"])) == 50


def test_lock_of_a_killed_process_is_no_obstacle(site, seed):
    filled(site, seed)
    server = site.serve()
    with server:
        server.api.append(make_events(seed, "x", 0, 1))
        server.kill9()
    assert (site.db / "LOCK").exists()
    inode = os.stat(site.db / "LOCK").st_ino
    with site.serve() as server:
        assert server.api.head() == 51
        # LOCK is never unlinked: a process might be about to lock it.
        assert os.stat(site.db / "LOCK").st_ino == inode


def test_lock_without_permissions_gets_them_back(site, seed):
    filled(site, seed)
    os.chmod(site.db / "LOCK", 0)
    with site.serve() as server:
        assert server.api.head() == 50
