"""The real program on a database that lacks files: it does not start, makes no
backup and changes nothing. accept-loss makes a database of what is left."""

import os

import pytest

from events import make_events
from store import digest_tree, extract, read_events


def fill(site, seed, lives=1, events=40):
    """The events of several lives of a server; the last events are in a log."""
    for life in range(lives):
        with site.serve() as server:
            server.api.append(make_events(seed, "w", life * events, events))


def contents(site):
    return {name: digest for name, digest in digest_tree(site.db).items()
            if not name.startswith("LO")}


def one(site, suffix):
    return sorted(n for n in os.listdir(site.db) if n.endswith(suffix))[0]


def refuse(site, name, **settings):
    """Neither a start nor a create ignores that `name` is missing."""
    before = contents(site)
    for verb in ("serve", "create"):
        done = site.run(verb, settings={"API_PORT": 0, **settings}).expect(3)
        assert name in done.err and "accept-loss" in done.err
        assert contents(site) == before


@pytest.mark.parametrize("what", ["CURRENT", "MANIFEST", "log"])
def test_nothing_opens_a_database_that_lacks(what, site, seed):
    fill(site, seed)
    name = {"CURRENT": "CURRENT",
            "MANIFEST": (site.db / "CURRENT").read_text().strip(),
            "log": one(site, ".log")}[what]
    os.remove(site.db / name)
    refuse(site, name)
    # Nor with the setting that lets a new database begin.
    refuse(site, name, ALLOW_NEW_DATABASE="true")

    assert name in site.run("accept-loss", "--dry-run").expect(0).out
    assert "--yes" in site.run("accept-loss").expect(2).err
    refuse(site, name)
    site.run("accept-loss", "--yes").expect(0)
    assert len(read_events(site.db)) == (0 if what == "log" else 40)
    with site.serve() as server:
        degraded = server.api.health()["backup"]["degraded"]
        assert any("accept-loss" in line for line in degraded), degraded
    site.run("accept-loss", "--yes").expect(5)


def test_a_table_that_can_not_be_read_is_left_out(site, seed):
    fill(site, seed, lives=3)
    (site.db / one(site, ".ldb")).write_bytes(b"nothing like a table")
    os.remove(site.db / "CURRENT")
    site.run("accept-loss", "--yes").expect(0)
    assert 0 < len(read_events(site.db)) < 120


def test_a_dropped_backup_heals_it(site, seed):
    fill(site, seed)
    site.run("create").expect(0)
    os.remove(site.db / "CURRENT")
    refuse(site, "CURRENT")
    site.drop(site.backups / site.archives()[0])
    with site.serve():
        pass
    assert len(read_events(site.db)) == 40


def test_a_backup_unpacked_over_a_later_state_is_refused(site, seed):
    fill(site, seed)
    site.run("create").expect(0)
    older = extract(site.backups / site.archives()[0], site.root / "older")
    fill(site, seed, lives=3)
    for name in os.listdir(older):
        os.replace(older / name, site.db / name)
    refuse(site, "two states")
    site.run("accept-loss", "--yes").expect(0)
    assert len(read_events(site.db)) == 40
