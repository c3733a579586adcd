"""What was restored must be what was backed up, byte for byte."""

import hashlib
import os

# LevelDB's own notes; no backup needs them.
IGNORED = ("LOCK", "LOG", "LOG.old")


def digests(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name in IGNORED or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def database_below(folder):
    for path, _, names in os.walk(folder):
        if "CURRENT" in names:
            return path
    return folder


def restored_equal(space, command, target):
    """Runs a restore into `target` and compares the files with the source."""
    space.fresh_out()
    os.makedirs(target)
    space.run(command)
    return digests(database_below(target)) == digests(space.source)


def check_builds(space, builds, foreign):
    """A name and whether the files were equal, for each way to restore."""
    target = os.path.join(space.out, "new")
    results = {}
    for keep in builds:
        restore = keep.command("restore", os.path.join(space.out, "storage"),
                               os.path.join(space.out, "backups"))
        of_build = f" ({keep.name})" if len(builds) > 1 else ""
        ways = {
            "files restored by LevelKeep":
                f"{restore} {keep.archive()} --to {target}",
            "files restored by LevelKeep from `tar czf`":
                f"{restore} {foreign} --to {target}",
            "files unpacked by `tar xzf` from LevelKeep's archive":
                f"tar xzf {keep.archive()} -C {target}",
        }
        for name, command in ways.items():
            results[name + of_build] = restored_equal(space, command, target)
    return results
