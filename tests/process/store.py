"""Looks into databases and archives with other people's tools.

Opening a LevelDB changes it, so that only copies are ever opened.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile

import plyvel

from events import assert_is_as_sent

EVENT_PREFIX = b"event:"
HEAD_KEY = b"meta:head"


def read_keys(database):
    """Every key and value, read from a copy with checksums verified."""
    with tempfile.TemporaryDirectory(prefix="levelkeep-look-") as folder:
        copy = pathlib.Path(folder) / "db"
        shutil.copytree(database, copy)
        db = plyvel.DB(str(copy), create_if_missing=False,
                       paranoid_checks=True)
        try:
            return dict(db.iterator(verify_checksums=True))
        finally:
            db.close()


def events_of(keys):
    """The events among `keys`, by ascending sequence."""
    return [json.loads(value) for key, value in sorted(keys.items())
            if key.startswith(EVENT_PREFIX)]


def read_events(database):
    return events_of(read_keys(database))


def extract(archive, target):
    """Unpacks the archive as a person does: tar xzf."""
    target = pathlib.Path(target)
    target.mkdir(parents=True)
    subprocess.run(["tar", "xzf", str(archive), "-C", str(target)],
                   check=True, timeout=600)
    return target / "event_registry_db"


def archive_keys(archive):
    with tempfile.TemporaryDirectory(prefix="levelkeep-look-") as folder:
        return read_keys(extract(archive, pathlib.Path(folder) / "x"))


def archive_events(archive):
    return events_of(archive_keys(archive))


def assert_archive_sound(archive):
    """gzip, tar and sha256sum accept the archive."""
    archive = pathlib.Path(archive)
    subprocess.run(["gzip", "-t", str(archive)], check=True, timeout=600)
    subprocess.run(["tar", "tzf", str(archive)], check=True, timeout=600,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["sha256sum", "-c", archive.name + ".sha256"], check=True,
                   cwd=archive.parent, timeout=600,
                   stdout=subprocess.DEVNULL)


def assert_gapless(seed, events):
    """The events have sequences 1..n, each once and exactly as it was sent."""
    names = set()
    for position, event in enumerate(events, 1):
        assert event["sequence"] == position, (
            f"gap: sequence {event['sequence']} at position {position}")
        assert_is_as_sent(seed, event)
        name = (event["data"]["writer"], event["data"]["number"])
        assert name not in names, f"twice: {name}"
        names.add(name)


def assert_whole_batches(writers, events):
    """Each acknowledged batch is in `events` as a whole or not at all."""
    for first, (writer, number, count) in writers.batches.items():
        part = events[first - 1:first - 1 + count]
        assert len(part) in (0, count), f"half a batch at {first}"
        for offset, event in enumerate(part):
            assert event["data"]["writer"] == writer
            assert event["data"]["number"] == number + offset


def digest_tree(folder):
    """Every file's name and SHA-256, to see that nothing changed."""
    folder = pathlib.Path(folder)
    return {str(path.relative_to(folder)):
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
