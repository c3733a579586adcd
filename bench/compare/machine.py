"""The machine of the measurement, and the versions of all programs."""

import datetime
import os
import platform
import shutil
import subprocess

VERSION_COMMANDS = {
    "tar": ["tar", "--version"],
    "gzip": ["gzip", "--version"],
    "bsdtar": ["bsdtar", "--version"],
    "pigz": ["pigz", "--version"],
    "igzip": ["igzip", "--version"],
    "zstd": ["zstd", "--version"],
    "restic": ["restic", "version"],
    "borg": ["borg", "--version"],
    "cp": ["cp", "--version"],
}
LIBRARIES = {"RocksDB": "rocksdb", "LevelDB": "leveldb", "ISA-L": "libisal",
             "zlib": "zlib"}


def first_line(command):
    if shutil.which(command[0]) is None:
        return "not installed"
    done = subprocess.run(command, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else "unknown"


def library_version(package):
    """The version by pkg-config, else of Debian's package of the headers."""
    found = first_line(["pkg-config", "--modversion", package])
    if found[:1].isdigit():
        return found
    found = first_line(["dpkg-query", "-W", "-f", "${Version}",
                        f"lib{package.removeprefix('lib')}-dev"])
    return found if found[:1].isdigit() else "not installed"


def versions():
    found = {name: first_line(command)
             for name, command in VERSION_COMMANDS.items()}
    found.update({name: library_version(package)
                  for name, package in LIBRARIES.items()})
    return found


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(path):
    return first_line(["findmnt", "-n", "-o", "FSTYPE", "-T", path])


def git_commit(tree):
    git = ["git", "-c", f"safe.directory={tree}", "-C", tree]
    commit = first_line([*git, "rev-parse", "--short=12", "HEAD"])
    changed = first_line([*git, "status", "--porcelain"])
    return commit if changed == "unknown" else f"{commit} with changes"


def describe(work_dir, tree):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "git": git_commit(tree),
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor(),
        "memory_bytes": memory,
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system(work_dir),
    }
