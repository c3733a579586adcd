"""Runs of the real program in which one file system call goes wrong.

A first run under strace tells which calls touch the installation; then each
of them is a `Point`: the n-th call of that name of any one thread. At a point
the process is killed before the kernel does the call, or the call fails.
"""

import collections
import dataclasses
import re

from harness import injected, wait_until

# Calls that look and calls that change. The C library decides which it uses.
LOOKS = ("openat", "open", "read", "pread64", "preadv", "readv", "newfstatat",
         "fstat", "statx", "stat", "lstat", "getdents64", "fcntl", "flock",
         "statfs", "fstatfs", "access", "faccessat", "faccessat2", "close",
         "lseek", "fadvise64", "readlink", "readlinkat")
CHANGES = ("write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync",
           "sync_file_range", "fallocate", "ftruncate", "rename", "renameat",
           "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir",
           "mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "utimensat",
           "copy_file_range", "ioctl", "sendfile")
# Calls for which a full disk is an answer; openat, because it creates.
TAKES_SPACE = ("openat", "write", "pwrite64", "writev", "fsync", "fdatasync",
               "rename", "renameat", "renameat2", "link", "linkat", "mkdir",
               "mkdirat", "fallocate", "ftruncate", "copy_file_range")
# The program does not care how these calls end.
NEVER_FAILS = ("close", "fadvise64", "lseek")

# The server's output, which the tests read.
_LOG = "/serve-"
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    call: str
    occurrence: int

    def __str__(self):
        return f"{self.call}#{self.occurrence}"


@dataclasses.dataclass(frozen=True)
class Fault:
    """`name` is KILL, EIO or ENOSPC."""
    name: str
    point: Point

    def prefix(self):
        """A command prefix: strace, which injects the fault."""
        what = "signal=KILL" if self.name == "KILL" else f"error={self.name}"
        return injected(self.point.call,
                        f"{what}:when={self.point.occurrence}")

    def __str__(self):
        return f"{self.name} at {self.point}"


def tracing(output):
    """A command prefix that notes every call for `points_of`."""
    calls = ",".join("?" + call for call in LOOKS + CHANGES)
    return ["strace", "-D", "-f", "-q", "-y", "--seccomp-bpf",
            "-e", "signal=none", "-s", "4096", "-o", str(output),
            "-e", f"trace={calls}"]


def points_of(trace, root):
    """All points of a traced run that name something below `root`.

    strace may be behind; its last line tells how the program ended.
    """
    def is_whole():
        text = trace.read_text(errors="replace")
        first = text.split(maxsplit=1)[:1]
        return first and re.search(
            rf"^{first[0]} +\+\+\+ (exited|killed)", text, re.M)

    wait_until(is_whole, "the end of the traced run")
    counts = collections.Counter()
    points = set()
    for line in trace.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if not found:  # the second half of an interrupted call, or an exit
            continue
        thread, call, rest = found.groups()
        counts[thread, call] += 1
        if str(root) in rest and _LOG not in rest:
            points.add(Point(call, counts[thread, call]))
    assert points, "strace saw nothing: does it work here?"
    return sorted(points)


def faults_at(points):
    """Every fault that makes sense at each point."""
    faults = []
    for point in points:
        faults.append(Fault("KILL", point))
        if point.call not in NEVER_FAILS:
            faults.append(Fault("EIO", point))
        if point.call in TAKES_SPACE:
            faults.append(Fault("ENOSPC", point))
    return faults


