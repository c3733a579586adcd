"""Folders that a restore can't exchange, or that a mount leads into the
database: the start and a dry run say so, and no archive is blamed."""

import shutil

import pytest

from events import make_events
from mounts import as_root, memory_disk, mount
from store import read_events


@pytest.fixture
def layers(folder):
    """(upper view, lower folder): the view shows the lower folder's files."""
    view, lower = folder / "view", folder / "lower"
    lower.mkdir()
    with memory_disk(folder / "upper", "256m") as upper:
        for name in ("data", "work"):
            (upper / name).mkdir()
        done = mount(view, "-t", "overlay", "-o",
                     f"lowerdir={lower},upperdir={upper}/data,"
                     f"workdir={upper}/work", "levelkeep-test")
        if done.returncode != 0:
            pytest.skip(f"no overlay can be mounted: {done.stderr.strip()}")
        try:
            yield view, lower
        finally:
            as_root("umount", "--lazy", view)


def test_database_of_a_lower_layer(site, seed, layers):
    """The database was shipped in the image of a container."""
    view, lower = layers
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 20))
    shutil.move(str(site.storage), lower / "storage")
    storage = view / "storage"
    db = storage / site.db.name
    settings = {"STORAGE_DIR": storage, "API_PORT": 0,
                "BACKUP_RESERVE": 1 << 20}

    def run(*arguments):
        return site.run(*arguments, settings=settings)
    run("create").expect(0)
    (archive,) = site.archives()
    for verb in (("restore", "latest", "--dry-run"),
                 ("restore", "latest", "--yes")):
        refused = run(*verb)
        assert refused.code != 0 and "lower layer" in refused.err, refused.text
    drop = site.drop(site.backups / archive)
    refused = run("serve")
    assert refused.code != 0 and "lower layer" in refused.err, refused.text
    assert drop.exists()
    assert len(read_events(db)) == 20
    # The commands of the hint work.
    commands = refused.err.split("upper layer: ")[1].splitlines()[0].rstrip(")")
    assert commands == f"cp -a {db} {db}.new && rm -r {db} && mv {db}.new {db}"
    shutil.copytree(db, f"{db}.new")
    shutil.rmtree(db)
    shutil.move(f"{db}.new", db)
    drop.unlink()
    run("restore", "latest", "--dry-run").expect(0)
    run("restore", "latest", "--yes").expect(0)
    assert len(read_events(db)) == 20


def test_target_that_is_a_mount_point(site, seed, folder):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 20))
        server.api.create()
    with memory_disk(folder / "target", "64m") as target:
        for options in ((), ("--dry-run",)):
            refused = site.run("restore", "latest", "--to", target, *options)
            assert refused.code != 0, refused.text
            assert "is a mount point" in refused.err
            assert f"name a folder in it: {target}/{site.db.name}" \
                in refused.err
        assert not list(target.iterdir())
        within = target / site.db.name
        little = {"BACKUP_RESERVE": 1 << 20}
        site.run("restore", "latest", "--to", within, "--dry-run",
                 settings=little).expect(0)
        assert not within.exists()
        site.run("restore", "latest", "--to", within,
                 settings=little).expect(0)
        assert len(read_events(within)) == 20


def test_backups_that_a_mount_leads_into_the_database(site, seed, folder):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 20))
    hidden = site.db / "hidden"
    hidden.mkdir()
    backups = folder / "mounted"
    done = mount(backups, "--bind", hidden)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted: {done.stderr.strip()}")
    try:
        settings = {"BACKUP_DIR": backups, "API_PORT": 0}
        for verb in ("create", "serve"):
            refused = site.run(verb, settings=settings)
            assert refused.code != 0, refused.text
            assert f"BACKUP_DIR ({backups}) leads into {hidden}" \
                in refused.err.replace(f"./storage/{site.db.name}",
                                       str(site.db))
        assert not [p for p in hidden.iterdir() if p.name != ".levelkeep"]
    finally:
        as_root("umount", "--lazy", backups)
