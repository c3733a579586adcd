"""Restored data must be equal to the data that were backed up.

Tables and logs are compared byte by byte, and the databases by their records:
the MANIFEST of a backup may list the same tables in fewer bytes.
"""

import hashlib
import os

import workspace

COMPARED = (".ldb", ".sst", ".log")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder):
    return {name: digest(os.path.join(folder, name))
            for name in os.listdir(folder) if name.endswith(COMPARED)}


def records_digest(space, database):
    """A digest of all records that an iterator finds; opens the database."""
    file = os.path.join(space.root, "records")
    workspace.remove(file)
    space.run(f"{space.program('logical_copy')} {database} {file}")
    found = digest(file)
    workspace.remove(file)
    return found


def database_below(folder):
    for path, _, names in os.walk(folder):
        if "CURRENT" in names:
            return path
    return folder


def restored_equal(space, command, target, records):
    """Runs a restore into `target` and compares it with the source."""
    space.fresh_out()
    os.makedirs(target)
    space.run(command)
    database = database_below(target)
    return (digests(database) == digests(space.source) and
            records_digest(space, database) == records)


def check_builds(space, builds, foreign):
    """For each way to restore: its name, and whether the data were equal."""
    target = os.path.join(space.out, "new")
    results = {}
    space.fresh_live()
    records = records_digest(space, space.live)
    for keep in builds:
        restore = keep.command("restore", os.path.join(space.out, "storage"),
                               os.path.join(space.out, "backups"))
        of_build = f" ({keep.name})" if len(builds) > 1 else ""
        ways = {
            "restored by LevelKeep":
                f"{restore} {keep.archive()} --to {target}",
            "restored by LevelKeep from `tar czf`":
                f"{restore} {foreign} --to {target}",
            "unpacked by `tar xzf` from LevelKeep's archive":
                f"tar xzf {keep.archive()} -C {target}",
        }
        for name, command in ways.items():
            results[name + of_build] = restored_equal(
                space, command, target, records)
    return results
