"""The operator's tool on real data, with and without a running server."""

import json
import os
import re
import shutil

import pytest

from events import Writers, make_events
from store import (archive_events, assert_archive_sound, assert_gapless,
                   digest_tree, read_events)


@pytest.fixture
def filled(site, seed):
    """A stopped site of 60 events, with backups of 20, 40 and 60 events."""
    with site.serve() as server:
        site.names = []
        for part in range(3):
            server.api.append(make_events(seed, "w", part * 20, 20))
            site.names.append(server.api.create(f"part-{part}")["name"])
        site.await_jobs()
    return site


def test_create_beside_a_running_server_is_consistent(site, seed):
    with site.serve() as server:
        # As beside an application that has no socket.
        (site.work / "control.sock").unlink()
        with Writers(server.api, seed, threads=2, batch=100) as writers:
            for _ in range(4):
                _, last, _ = writers.snapshot()
                made = site.run("create", "--json").expect(0).json()
                _, _, sent = writers.snapshot()
                assert made["success"] is True
                assert made["way"] == "external", made
                assert_archive_sound(site.backups / made["name"])
                events = archive_events(site.backups / made["name"])
                assert_gapless(seed, events)
                assert last <= len(events) <= sent
        assert writers.errors == []
        told = site.run("create").expect(0)
        assert f"pid {server.process.pid}" in told.text
        assert "external" in told.text
        assert len(server.api.backups()) == 5


def test_create_without_a_server_is_offline(filled):
    made = filled.run("create", "--label", "by-hand",
                      "--json").expect(0).json()
    assert made["way"] == "offline"
    assert made["name"].endswith("_by-hand.tar.gz")
    assert archive_events(filled.backups / made["name"]) == \
        read_events(filled.db)
    filled.assert_swept()


def test_create_without_a_database_says_so(site):
    site.root.mkdir(exist_ok=True)
    missing = site.run("create").expect(5)
    assert "error:" in missing.err and "hint:" in missing.err
    assert site.archives() == []


def test_list_names_every_backup_newest_first(filled):
    listed = filled.run("list", "--json").expect(0).json()
    assert [b["name"] for b in listed["backups"]] == filled.names[::-1]
    table = filled.run("list").expect(0).out
    positions = [table.index(name) for name in filled.names[::-1]]
    assert positions == sorted(positions)


def test_inspect_shows_manifest_and_files(filled):
    shown = filled.run("inspect", filled.names[1], "--json").expect(0).json()
    text = json.dumps(shown)
    assert filled.names[1] in text and "CURRENT" in text
    assert "part-1" in text
    path = filled.backups / filled.names[1]
    assert "CURRENT" in filled.run("inspect", path).expect(0).out


@pytest.mark.parametrize("depth", ["structure", "checksums", "full"])
def test_verify_each_depth(filled, depth):
    done = filled.run("verify", "--all", "--depth", depth).expect(0)
    for name in filled.names:
        assert name in done.text
    filled.run("verify", "latest", "--depth", depth, "--json").expect(0)
    filled.assert_swept()


def test_verify_finds_a_flipped_bit(filled):
    path = filled.backups / filled.names[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    wrong = filled.run("verify", filled.names[0], "--json").expect(3)
    assert wrong.json()["success"] is False
    filled.run("verify", "--all").expect(3)
    filled.run("verify", filled.names[1]).expect(0)


def test_restore_and_undo_and_undo_again(filled):
    newest = read_events(filled.db)
    done = filled.run("restore", filled.names[0], "--yes",
                      "--json").expect(0).json()
    assert done["success"] is True
    assert read_events(filled.db) == newest[:20]
    filled.run("restore", "--undo", "--yes").expect(0)
    assert read_events(filled.db) == newest
    filled.run("restore", "--undo", "--yes").expect(0)
    assert read_events(filled.db) == newest[:20]
    filled.assert_swept()


def test_two_restores_are_undone_at_once(filled):
    newest = read_events(filled.db)
    for name in filled.names[:2]:
        filled.run("restore", name, "--yes").expect(0)
    assert read_events(filled.db) != newest
    filled.run("restore", "--undo-all", "--yes").expect(0)
    assert read_events(filled.db) == newest
    again = filled.run("restore", "--undo-all", "--yes").expect(5)
    assert "all restores are undone already" in again.err
    filled.assert_swept()


def test_restore_without_a_terminal_needs_yes(filled):
    before = digest_tree(filled.db)
    asked = filled.run("restore", filled.names[0]).expect(2)
    assert "--yes" in asked.err
    assert digest_tree(filled.db) == before


def test_dry_run_changes_nothing(filled):
    before = digest_tree(filled.root / "storage")
    shown = filled.run("restore", filled.names[0], "--dry-run").expect(0)
    assert shown.out
    assert digest_tree(filled.root / "storage") == before


def test_restore_to_another_folder(filled, folder):
    before = digest_tree(filled.db)
    target = folder / "elsewhere"
    filled.run("restore", "latest", "--to", target).expect(0)
    assert read_events(target) == read_events(filled.db)
    assert digest_tree(filled.db) == before
    occupied = filled.run("restore", "latest", "--to", target)
    assert occupied.code not in (0, 2), "the restore overwrote a folder"
    assert len(read_events(target)) == 60


def test_shortened_names_must_be_unique(filled):
    filled.run("inspect", filled.names[2][:-8]).expect(0)
    ambiguous = filled.run("inspect", "backup_")
    assert ambiguous.code in (2, 5), ambiguous.text


def test_restore_beside_a_running_server_refuses_with_its_pid(filled):
    with filled.serve() as server:
        # As beside an application that has no socket.
        (filled.work / "control.sock").unlink()
        refused = filled.run("restore", filled.names[0],
                             "--yes").expect(4)
        assert f"pid {server.process.pid}" in refused.err
        assert "hint:" in refused.err
        assert server.api.head() == 60
        undo = filled.run("restore", "--undo", "--yes")
        assert undo.code in (4, 5)
        elsewhere = filled.root / "x"
        filled.run("restore", filled.names[0], "--to",
                   elsewhere).expect(0)
        assert len(read_events(elsewhere)) == 20
        filled.run("list").expect(0)
        filled.run("verify", "latest").expect(0)


def test_rotate_removes_beyond_max_backups(filled):
    settings = {"MAX_BACKUPS": 1}
    filled.run("verify", "--all", "--depth", "full").expect(0)
    plan = filled.run("rotate", "--dry-run", "--json", settings=settings)
    text = json.dumps(plan.expect(0).json())
    assert all(name in text for name in filled.names)
    assert len(filled.archives()) == 3
    filled.run("rotate", settings=settings).expect(0)
    assert filled.archives() == [filled.names[2]]
    assert sorted(p.name for p in filled.backups.glob("*.sha256")) == \
        [filled.names[2] + ".sha256"]


def place(site):
    """What each verb that is about a database prints about it."""
    return {"database": str(site.db), "backupDir": str(site.backups)}


def test_pin_unpin_and_delete_of_one_backup(filled):
    """The tool works beside a running server, which sees changes at once."""
    first, second, third = filled.names
    filled.run("verify", "--all").expect(0)  # The server would, in its order.
    with filled.serve() as server:
        assert filled.run("pin", first, "--json").expect(0).json() == {
            "success": True, "name": first, "pinned": True, "via": "server",
            **place(filled)}
        assert [b["pinned"] for b in server.api.backups()
                if b["name"] == first] == [True]
        refused = filled.run("delete", first, "--yes", "--force").expect(1)
        assert "is pinned" in refused.err and "unpin" in refused.err
        filled.run("unpin", first).expect(0)
        assert "--yes" in filled.run("delete", first).expect(2).err
        assert filled.run("delete", first, "--yes",
                          "--json").expect(0).json() == {
            "success": True, "name": first, "deleted": True,
            "via": "server", **place(filled)}
        assert first not in [b["name"] for b in server.api.backups()]
        filled.run("delete", first, "--yes").expect(5)
        filled.run("delete", "../" + second, "--yes").expect(2)
    newest = filled.run("delete", "latest", "--yes").expect(1)
    assert "newest verified" in newest.err and "force" in newest.err
    filled.run("delete", third, "--yes", "--force").expect(0)
    assert filled.archives() == [second]
    assert sorted(p.name for p in filled.backups.glob("*.sha256")) == \
        [second + ".sha256"]


def test_config_shows_values_and_origins_with_secrets_masked(site):
    (site.root / "my.conf").write_text("MAX_BACKUPS=7\n")
    shown = site.run("--config", "my.conf", "config", settings={
        "AUTO_BACKUP_INTERVAL": 5000, "API_TOKEN": "s3cret-s3cret"})
    shown.expect(0)
    assert "s3cret" not in shown.text
    assert re.search(r"MAX_BACKUPS\W+7\b.*my\.conf", shown.out)
    assert re.search(r"AUTO_BACKUP_INTERVAL\W+5000.*environment", shown.out)
    site.run("--config", "my.conf", "config", "--check").expect(0)


def test_unknown_names_exit_5_and_usage_exits_2(filled):
    for verb in (("inspect",), ("verify",), ("restore", "--yes")):
        missing = filled.run(*verb, "backup_2001-01-01_000000.tar.gz")
        missing.expect(5)
        assert "error:" in missing.err
    filled.run("no-such-verb").expect(2)
    filled.run("list", "--no-such-flag").expect(2)
    filled.run("create", "--label", "../x").expect(2)
    answer = filled.run("inspect", "backup_2001-01-01_000000.tar.gz",
                        "--json").expect(5)
    assert answer.json()["success"] is False


@pytest.mark.parametrize("name", [
    "../secret.tar.gz", "..%2fsecret.tar.gz", "backup_../../x.tar.gz",
    "backup_2024-01-01_000000/../x.tar.gz"])
def test_names_do_not_leave_the_folder(filled, name):
    refused = filled.run("restore", name, "--yes")
    assert refused.code in (2, 3, 5), refused.text
    assert len(read_events(filled.db)) == 60


def test_json_is_one_object_and_talk_goes_to_stderr(filled):
    for verb in (("list",), ("create",), ("rotate", "--dry-run"),
                 ("verify", "latest"), ("config",), ("inspect", "latest")):
        done = filled.run(*verb, "--json").expect(0)
        assert isinstance(json.loads(done.out), dict), verb
        quiet = filled.run(*verb, "--quiet").expect(0)
        assert quiet.err == "", verb


def test_version_and_help(site):
    assert re.match(r"levelkeep \d+\.\d+\.\d+", site.run(
        "--version").expect(0).out)
    text = site.run("--help").expect(0).out
    for verb in ("serve", "worker", "create", "list", "inspect", "verify",
                 "drill", "restore", "accept-loss", "rotate", "pin", "unpin",
                 "delete", "config", "health"):
        assert verb in text
        site.run(verb, "--help").expect(0)


def test_symlinked_database_is_refused_with_a_hint(filled):
    moved = filled.root / "moved"
    shutil.move(filled.db, moved)
    os.symlink(moved, filled.db)
    refused = filled.run("restore", filled.names[0], "--yes")
    assert refused.code not in (0, 2)
    assert "hint:" in refused.err
    assert len(read_events(moved)) == 60


@pytest.mark.parametrize("output", ["/dev/full", "&-"])
def test_a_full_or_closed_output_is_an_error_and_the_act_stays(
        filled, output):
    prefix = ["sh", "-c", f'exec "$@" >{output}', "sh"]
    # names[2] is verified, so that names[1] can be deleted: the server may have
    # verified any, and the newest verified one is not deleted without force.
    for verb in (["list"], ["list", "--json"], ["create"], ["--help"],
                 ["verify", filled.names[2]], ["config", "--json"],
                 ["delete", filled.names[1], "--yes"]):
        told = filled.run(*verb, prefix=prefix).expect(1)
        assert "error: standard output can't be written: " in told.err
        assert "hint: the operation succeeded, only its report" in told.err
    left = filled.archives()
    assert filled.names[1] not in left and len(left) == 3
