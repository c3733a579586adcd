"""A verdict needs evidence: if the check of a database is killed or stopped,
that says nothing about the backup."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from events import make_events
from harness import binary, die_with_parent, is_sanitized, wait_until
from store import digest_tree, read_events

# More than the memory that a check gets if the largest record is unknown.
BATCH_MIB = 400
BIG_BATCH = """
import plyvel, sys
db = plyvel.DB(sys.argv[1], create_if_missing=True)
db.put(b"small", b"x" * 100)
value = bytes(range(256)) * 4096
with db.write_batch(sync=True) as batch:
    for i in range(int(sys.argv[2])):
        batch.put(b"k%06d" % i, value)
db.close()
"""
# Runs a program and prints its exit code and the most memory it had, in KiB.
# It is small itself, because its memory counts as that of its child.
MEASURED = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, file=sys.stderr)
"""


def filled(site, seed, count=50):
    with site.serve(BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 0, count))
        return server.api.create()["name"]


def listed(site, name):
    backups = site.run("list", "--json").expect(0).json()["backups"]
    return {b["name"]: b for b in backups}[name]


def waiting_check(site):
    """A levelkeep-check that writes its pid and waits until it may go on."""
    real = pathlib.Path(binary()).with_name("levelkeep-check")
    check = site.root / "check.sh"
    check.write_text(
        f"#!/bin/sh\n[ -e '{site.root}/allowed' ] || {{\n"
        f"  echo $$ > '{site.root}/pid.new'\n"
        f"  mv '{site.root}/pid.new' '{site.root}/pid'\n"
        f"  exec sleep 1000\n}}\nexec '{real}' \"$@\"\n")
    check.chmod(0o755)
    return check


def waiting_pid(site):
    path = site.root / "pid"
    wait_until(path.exists, "the check of the database began", 60)
    pid = int(path.read_text())
    path.unlink()
    return pid


@pytest.mark.parametrize("child_first", [True, False])
def test_a_stop_of_the_service_during_a_check(site, seed, child_first):
    """systemd without KillMode=mixed sends SIGTERM to server and check."""
    settings = {"LEVELKEEP_CHECK_PROGRAM": waiting_check(site)}
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "w", 0, 50))
        name = server.api.create()["name"]
        check = waiting_pid(site)
        if child_first:
            os.kill(check, signal.SIGTERM)
            wait_until(lambda: "problem" in server.api.backups()[0],
                       "the end of the check is noticed", 60)
            assert name in "".join(server.api.health()["backup"]["degraded"])
        server.stop()
    entry = listed(site, name)
    assert entry["status"] == "unverified"
    assert entry["problem"].startswith("not checked: the check ")
    # The texts for people say so, too.
    assert f"{name}: not checked: the check " in site.run("list").text
    shown = site.run("inspect", name, "--json").expect(0).json()
    assert shown["problem"] == entry["problem"]
    assert entry["problem"] in site.run("inspect", name).out
    assert site.run("verify", name).expect(0)
    assert listed(site, name)["status"] == "verified"
    site.assert_swept()


def test_a_verified_backup_stays_verified(site, seed):
    name = filled(site, seed)
    site.run("verify", name).expect(0)
    check = site.root / "check.sh"
    for end in ("kill -TERM $$", "kill -XFSZ $$", "exit 0", "exit 127"):
        check.write_text(f"#!/bin/sh\n{end}\n")
        check.chmod(0o755)
        told = site.run("verify", name, "--json",
                        settings={"LEVELKEEP_CHECK_PROGRAM": check}).expect(7)
        assert told.json()["code"] == "not_checked"
        assert listed(site, name)["status"] == "verified"


def test_a_drop_that_can_not_be_checked_stays(site, other_site, seed):
    name = filled(site, seed, 20)
    filled(other_site, seed + 1, 30)
    before = digest_tree(other_site.db)
    dropped = other_site.drop(site.backups / name)
    check = other_site.root / "check.sh"
    check.write_text("#!/bin/sh\nkill -TERM $$\n")
    check.chmod(0o755)
    with other_site.serve(LEVELKEEP_CHECK_PROGRAM=check) as server:
        assert len(server.api.events()) == 30
        assert "signal 15" in server.log()
    assert dropped.exists()
    assert not list((other_site.restore / "rejected").glob("*"))
    assert len(read_events(other_site.db)) == 30, before
    with other_site.serve() as server:
        assert len(server.api.events()) == 20, "the next start applies the drop"
    assert (other_site.restore / "applied" / name).exists()


def test_a_stop_during_the_start_leaves_the_drop(site, other_site, seed):
    name = filled(site, seed, 20)
    filled(other_site, seed + 1, 30)
    dropped = other_site.drop(site.backups / name)
    check = waiting_check(other_site)
    server = other_site.serve(LEVELKEEP_CHECK_PROGRAM=check)
    server.launch()
    try:
        os.kill(waiting_pid(other_site), signal.SIGTERM)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    finally:
        server.kill9()
    assert dropped.exists()
    assert not list((other_site.restore / "rejected").glob("*"))


def measured(site, *arguments):
    """The most memory that a verb of the tool needs, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, binary(), *map(str, arguments)],
        cwd=site.root, env=site.environment(), text=True, timeout=300,
        capture_output=True, preexec_fn=die_with_parent)
    code, kib = done.stderr.split()[-2:]
    assert code == "0", done.stdout + done.stderr
    return json.loads(done.stdout or "{}"), int(kib) / 1024


@pytest.mark.skipif(is_sanitized(), reason="memory is what it is about")
def test_what_create_acknowledges_verify_and_restore_take(site):
    site.storage.mkdir()
    subprocess.run([sys.executable, "-c", BIG_BATCH, str(site.db),
                    str(BATCH_MIB)], check=True, timeout=300,
                   preexec_fn=die_with_parent)
    made, mib = measured(site, "create", "--json")
    assert mib < BATCH_MIB / 2, "a create does not hold the largest record"
    name = made["name"]
    manifest = site.run("inspect", name, "--json").expect(0).json()["manifest"]
    assert manifest["db"]["largest_record"] >= BATCH_MIB << 20
    # A restore scans a backup that was not verified yet.
    site.run("restore", name, "--to", site.root / "out", "--yes").expect(0)
    verified = site.run("verify", name, "--json").expect(0).json()
    assert verified["entries"] == BATCH_MIB + 1
    # The same bytes, but nothing says how large a record is.
    plain = site.root / "plain.tar.gz"
    subprocess.run(["tar", "-I", "gzip -1", "-cf", plain, "-C",
                    site.root / "out", "."], check=True, timeout=300)
    told = site.run("verify", plain, "--json").expect(7).json()
    assert "needs more memory than" in told["message"]
