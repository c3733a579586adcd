"""Runs LevelKeep and its peers in turn and writes one table.

Called by bench/compare.sh, which builds what is needed; see bench/README.md.
"""

import argparse
import fnmatch
import os
import re
import shutil
import signal
import sys
import tempfile

import checks
import machine
import report
import rows
import rows_levelkeep
import rows_peers
import workspace

UNITS = {"": 1, "M": 1 << 20, "G": 1 << 30}


def parse_size(text):
    found = re.fullmatch(r"(\d+)([MG]?)", text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(
            f"{text} is not a size: use for example 100M or 1G")
    return int(found[1]) * UNITS[found[2]]


def parse_rounds(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1")
    return int(text)


def parse_build(text):
    name, equals, path = text.partition("=")
    path = os.path.abspath(path)
    if not equals or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise argparse.ArgumentTypeError(
            f"{text} is not NAME=PATH of a program levelkeep")
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{path} is not a program")
    return name, path


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench/compare.sh", allow_abbrev=False,
        description="Compares LevelKeep with other ways to back up.")
    parser.add_argument("--size", type=parse_size, default="1G",
                        help="bytes of the database: 100M, 1G (default), 10G")
    parser.add_argument("--rounds", type=parse_rounds, default=3,
                        help="how often each row is measured (default 3)")
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/var/tmp"),
                        help="folder for the data (default $TMPDIR or "
                        "/var/tmp)")
    parser.add_argument("--out", default="",
                        help="name of the results in bench/results (default: "
                        "date and size), or a path without ending")
    parser.add_argument("--only", default="", metavar="PEER,...",
                        help="these peers only, * allowed; LevelKeep always "
                        "runs; 'none': no peer")
    parser.add_argument("--levelkeep", type=parse_build, action="append",
                        metavar="NAME=PATH", help="a program to measure, "
                        "several times for several (default: this tree's)")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--tree", required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = [name for name, _ in arguments.levelkeep or []]
    if len(set(names)) != len(names):
        parser.error("two --levelkeep have the same name")
    return arguments


class Comparison:
    """One run: data, rows, rounds."""

    def __init__(self, space, arguments):
        self.space = space
        self.only = [name for name in arguments.only.split(",") if name]
        named = arguments.levelkeep or [
            ("levelkeep", space.program("levelkeep"))]
        self.builds = [rows_levelkeep.LevelKeep(name, path, space)
                       for name, path in named]
        several = len(named) > 1
        self.suffixes = [f" [{name}]" if several else "" for name, _ in named]
        self.foreign = os.path.join(space.kept, "tar", "archive.tar.gz")
        self.rows = []

    def wanted(self, peer):
        return not self.only or any(
            fnmatch.fnmatch(peer, pattern) for pattern in self.only)

    def usable(self, repository):
        return self.wanted(repository.name) and all(
            shutil.which(program) for program in repository.programs)

    def make_data(self):
        """Makes all data that are made once, before anything is measured."""
        space = self.space
        workspace.say("making the database")
        space.make_source()
        space.make_grown()
        os.makedirs(os.path.dirname(self.foreign))
        space.run(f"tar czf {self.foreign} -C {space.source_dir} "
                  f"{workspace.DB_NAME}")
        if self.wants_rocks():
            space.make_rocks()
        workspace.say("making the first backups")
        for keep in self.builds:
            space.fresh_out()
            keep.make_archive()
            keep.make_first()
        self.add_rows()
        space.append_to_grown()
        if self.wants_rocks():
            space.append_to_rocks()

    def wants_rocks(self):
        return self.space.has_program("rocksdb_peer") and any(
            self.wanted(name)
            for name in ("rocksdb-1", "rocksdb-2", "rocksdb-checkpoint"))

    def needed_bytes(self):
        """The most bytes that are on the disk at one time."""
        # Two databases, the archive of tar and the output of a row; then two
        # archives for each build.
        parts = 2 + 0.8 + 1.1 + 1.6 * len(self.builds)
        parts += 2.1 if self.wants_rocks() else 0
        parts += sum(1 for name in ("restic", "borg") if self.wanted(name))
        return int(parts * self.space.size)

    def check_space(self):
        free = shutil.disk_usage(self.space.root).free
        if free < self.needed_bytes():
            raise workspace.Problem(
                f"{os.path.dirname(self.space.root)} has {free >> 20} MiB "
                f"free, and {self.needed_bytes() >> 20} MiB are needed\n"
                "hint: use --dir, a smaller --size, or fewer peers by --only")

    def add_repository(self, repository, title, paths):
        """Rows of the first and the second backup. `paths`: the database that
        the first one reads; the one that grows, before and after. Makes and
        keeps the backup from before it grew."""
        first, before, after = paths
        if self.usable(repository):
            workspace.say(f"  {repository.name}")
            repository.keep_first(before)
        self.rows += [repository.first_row(title, first),
                      repository.second_row(title, after)]

    def add_rows(self):
        space = self.space
        self.rows += rows_peers.archive_rows(space)
        paths = (space.source, space.grown, space.grown)
        self.add_repository(rows_peers.restic(space), "restic", paths)
        self.add_repository(rows_peers.borg(space), "borg, lz4", paths)
        for threads in (1, 2):
            backups = rows_peers.rocksdb(space, threads)
            self.add_repository(
                backups, f"RocksDB BackupEngine, {threads} "
                f"thread{'s' if threads > 1 else ''}",
                (space.rocks, space.rocks, space.rocks_grown))
            self.rows.append(rows_peers.rocksdb_restore_row(
                space, threads, backups.saved))
        self.rows.append(rows_peers.checkpoint_row(space))
        self.rows += rows_peers.restore_rows(space, self.builds[-1].archive(),
                                             self.foreign)
        for keep, suffix in zip(self.builds, self.suffixes):
            self.rows += rows_levelkeep.create_rows(keep, suffix)
            self.rows += rows_levelkeep.restore_rows(keep, suffix,
                                                     self.foreign)
        self.rows = [row for row in self.rows
                     if not row.peer or self.wanted(row.peer)]
        for row in self.rows:
            missing = row.missing()
            row.state = f"not installed ({missing})" if missing else ""

    def measure(self, rounds):
        """Measures all rows in turn, in every other round backwards."""
        for number in range(rounds):
            order = self.rows if number % 2 == 0 else self.rows[::-1]
            for row in order:
                if not row.state:
                    self.measure_row(row, number + 1, rounds)

    def measure_row(self, row, number, rounds):
        try:
            sample = rows.run_row(self.space, row)
        except workspace.Problem as problem:
            print(f"error: {row.ident}: {problem}", file=sys.stderr)
            row.state = "failed"
            row.samples.clear()
            return
        workspace.say(f"round {number} of {rounds}: {row.ident}: "
                      f"{sample['wall_s']:.3f} s")

    def failed(self):
        return any(row.state == "failed" for row in self.rows)


def check_paths(paths):
    """The paths become a part of the measured commands, lines for bash."""
    for path in paths:
        if not re.fullmatch(r"[\w./+=@%:,-]+", path):
            raise workspace.Problem(
                f"{path} has a character that bash would not take as it is\n"
                "hint: use a path of letters, digits and . / _ -")


def results_base(arguments, date):
    """The path of the results, without its ending."""
    name = arguments.out
    if not name:
        name = f"{date[:10]}-{arguments.size >> 20}M"
    if "/" not in name:
        folder = os.path.join(arguments.tree, "bench", "results")
        name = os.path.join(folder, name)
    os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
    return name


def run(arguments):
    if not os.path.isdir(arguments.dir):
        raise workspace.Problem(f"{arguments.dir} is not a folder\n"
                                "hint: make it, or choose one by --dir")
    check_paths([os.path.abspath(arguments.dir), arguments.bin,
                 *(path for _, path in arguments.levelkeep or [])])
    root = tempfile.mkdtemp(prefix="levelkeep-bench-",
                            dir=os.path.abspath(arguments.dir))
    try:
        space = workspace.Workspace(root, arguments.bin, arguments.size)
        comparison = Comparison(space, arguments)
        comparison.check_space()
        comparison.make_data()
        facts = {
            "machine": machine.describe(root, arguments.tree),
            "versions": machine.versions(),
            "rounds": arguments.rounds,
            "database": {"bytes": workspace.tree_bytes(space.source),
                         "files": len(os.listdir(space.source))},
        }
        comparison.measure(arguments.rounds)
        facts["checks"] = checks.check_builds(space, comparison.builds,
                                              comparison.foreign)
        base = results_base(arguments, facts["machine"]["date"])
        report.write(report.document(comparison.rows, comparison.suffixes,
                                     facts), base)
        workspace.say(f"results: {base}.md and {base}.json")
        return not comparison.failed() and all(facts["checks"].values())
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main():
    # With an exit, `finally` removes the data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        return 0 if run(parse_arguments()) else 1
    except workspace.Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
