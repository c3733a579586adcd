"""Databases of the JavaScript predecessor, packed by the system's tar."""

import os
import pathlib
import subprocess

import pytest

from events import make_events
from store import EVENT_PREFIX, HEAD_KEY, events_of, read_keys

NODE_FOLDER = pathlib.Path(__file__).parent / "node"
KEYS = 4000

# name: (folder in which tar runs, what it packs), relative to the site
SHAPES = {
    "folder": ("storage", "event_registry_db"),
    "dot": ("storage/event_registry_db", "."),
    "storage": (".", "storage/event_registry_db"),
}


def write_with_node(directory, ending):
    if os.environ.get("LEVELKEEP_WITHOUT_NODE"):
        pytest.skip("scripts/test.sh could not install Node's LevelDB")
    assert (NODE_FOLDER / "node_modules" / "classic-level").is_dir(), (
        "classic-level is missing; run: npm ci --ignore-scripts --prefix "
        "tests/process/node")
    directory.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["node", str(NODE_FOLDER / "write.mjs"), str(directory), str(KEYS),
         ending], text=True, timeout=300, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    expected = ("closed", 0) if ending == "close" else ("written", -9)
    assert (done.stdout.strip(), done.returncode) == expected, done.stderr


def pack(site, shape, target):
    folder, what = SHAPES[shape]
    subprocess.run(["tar", "czf", str(target), "-C",
                    str(site.root / folder), what], check=True, timeout=120)
    os.utime(target, (1, 1))  # an old file: the start does not wait


@pytest.mark.parametrize("ending", ["close", "crash"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_plain_tar_of_a_node_database_restores(site, other_site, seed,
                                               shape, ending):
    write_with_node(site.db, ending)
    written = read_keys(site.db)
    assert len(written) > KEYS // 2
    other_site.restore.mkdir(parents=True)
    pack(site, shape, other_site.restore / "migration.tar.gz")

    with other_site.serve() as server:
        assert server.api.head() == 0  # none of its keys is an event of ours
        assert server.api.append(make_events(seed, "after", 0, 2)) == (1, 2)
    restored = read_keys(other_site.db)
    ours = {key: value for key, value in restored.items()
            if key.startswith(EVENT_PREFIX) or key == HEAD_KEY}
    assert len(events_of(ours)) == 2
    foreign = {key: value for key, value in restored.items()
               if key not in ours}
    assert foreign == written, "a key of the predecessor was lost or changed"
    assert (other_site.restore / "applied" / "migration.tar.gz").is_file()
    other_site.assert_swept()


def test_own_backup_of_a_taken_over_database_keeps_its_keys(site, other_site,
                                                            folder, seed):
    write_with_node(site.db, "close")
    written = read_keys(site.db)
    with site.serve() as server:  # on the same folder, without any restore
        server.api.append(make_events(seed, "on", 0, 5))
        archive = site.backups / server.api.create()["name"]
    other_site.drop(archive)
    with other_site.serve() as server:
        assert server.api.head() == 5
    restored = read_keys(other_site.db)
    assert {k: restored.get(k) for k in written} == written


def test_node_reads_what_we_restored(site, other_site, seed):
    """The way back: stock LevelDB of another language opens our files."""
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 200))
        archive = site.backups / server.api.create()["name"]
    target = other_site.root / "node-db"
    site.run("restore", archive, "--to", target, "--yes").expect(0)
    script = (
        "import { ClassicLevel } from 'classic-level';"
        "const db = new ClassicLevel(process.argv[1],"
        "{ createIfMissing: false });"
        "let n = 0; for await (const key of db.keys("
        "{ gte: 'event:', lt: 'event;' })) n++;"
        "await db.close(); console.log(n)")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script, str(target)],
        cwd=NODE_FOLDER, text=True, timeout=120, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert done.stdout.strip() == "200", done.stderr
