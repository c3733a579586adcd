"""An installation with old data, an archive of new data, and what must hold
after a restore of the one over the other, however the restore ended."""

import itertools
import shutil

from events import make_events
from harness import Site
from store import read_events

SETTINGS = {"BACKUP_VERIFY": "false"}


class Case:
    """A stopped installation with old data, and an archive of new data."""

    def __init__(self, folder, seed, old_count, new_count):
        source = Site(folder / "source")
        with source.serve(**SETTINGS) as server:
            server.api.append_all(make_events(seed, "new", 0, new_count))
            name = server.api.create()["name"]
        self.name = name
        self.archive = source.backups / name
        self.new = read_events(source.db)
        self.template = Site(folder / "template")
        with self.template.serve(**SETTINGS) as server:
            server.api.append_all(make_events(seed, "old", 0, old_count))
        self.old = read_events(self.template.db)
        self.folder = folder
        self._numbers = itertools.count(1)

    def fresh(self):
        """A copy of the installation: no round depends on another one."""
        root = self.folder / f"round-{next(self._numbers)}"
        shutil.copytree(self.template.root, root)
        return Site(root)

    def with_backup(self, site):
        """Puts the new data's archive into backups/, as if it was made here."""
        site.backups.mkdir(exist_ok=True)
        shutil.copy2(self.archive, site.backups / self.name)
        return site


def state_of(case, events):
    """"old" or "new"; anything else fails."""
    if events == case.old:
        return "old"
    assert events == case.new, (
        f"neither old ({len(case.old)}) nor new ({len(case.new)}): "
        f"{len(events)} events, {events[:1]} .. {events[-1:]}")
    return "new"


def assert_undo_is_consistent(case, site, state):
    """Undo gives exactly the other state, or says there is none."""
    undo = site.run("restore", "--undo", "--yes")
    if state == "new":
        undo.expect(0)
        assert read_events(site.db) == case.old
        site.run("restore", "--undo", "--yes").expect(0)
        assert read_events(site.db) == case.new
    else:
        undo.expect(5)
        assert read_events(site.db) == case.old
    site.assert_swept()


def places_of(site, name):
    """Where the dropped archive is now."""
    return [folder for folder in ("", "applied", "rejected")
            if (site.restore / folder / name).is_file()]


def settle_drop(case, site):
    """Starts after a crash and returns the state. Checks the archive's place:
    applied exactly when the data are new."""
    with site.serve(**SETTINGS):
        site.assert_swept()
    state = state_of(case, read_events(site.db))
    place = places_of(site, case.name)
    assert place == (["applied"] if state == "new" else ["rejected"]), (
        state, place)
    return state
