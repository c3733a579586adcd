"""The ratios that LevelKeep promises; see bench/README.md."""

import dataclasses
import statistics

MIB = 1 << 20


@dataclasses.dataclass
class Goal:
    """`above` over `below`, or `above` alone in MiB, against `bound`.

    Rows are named without the suffix of a build.
    """

    title: str
    measure: str  # a key of the samples
    above: str
    below: str
    at_least: bool
    bound: float


GOALS = [
    Goal("create: `tar czf` / live", "wall_s", "tar-gz", "levelkeep-live",
         True, 22),
    Goal("create: `pigz -1` / live", "wall_s", "pigz-1", "levelkeep-live",
         True, 5.5),
    Goal("create: restic / live", "wall_s", "restic", "levelkeep-live",
         True, 4),
    Goal("create: `zstd -1 -T2` / live", "wall_s", "zstd", "levelkeep-live",
         True, 1.2),
    Goal("create: live / ISA-L alone", "wall_s", "levelkeep-live",
         "isal-floor", False, 1.35),
    Goal("size: `create` / `tar czf`", "output_bytes", "levelkeep-offline",
         "tar-gz", False, 1.07),
    Goal("restore: `tar xzf` / LevelKeep", "wall_s", "tar-gz-restore",
         "levelkeep-restore", True, 4.5),
    Goal("restore: LevelKeep / `cp -r`", "wall_s", "levelkeep-restore",
         "cp-restore", False, 2),
    Goal("restore: `igzip -d` / LevelKeep of the same archive", "wall_s",
         "igzip-foreign-restore", "levelkeep-restore-foreign", True, 1),
    Goal("second archive / first, wall", "wall_s", "levelkeep-second",
         "levelkeep-offline", False, 0.45),
    Goal("second archive / first, CPU", "cpu_s", "levelkeep-second",
         "levelkeep-offline", False, 0.15),
    Goal("not compressed: RocksDB 2 threads / LevelKeep", "wall_s",
         "rocksdb-2", "levelkeep-stored", True, 1.3),
    Goal("not compressed: LevelKeep / `cp -r`", "wall_s", "levelkeep-stored",
         "cp", False, 1.2),
    Goal("memory added by live create, MiB", "added_bytes", "levelkeep-live",
         "", False, 64),
    Goal("memory of `create`, MiB", "peak_bytes", "levelkeep-offline", "",
         False, 64),
    Goal("memory of restore, MiB", "peak_bytes", "levelkeep-restore", "",
         False, 64),
    Goal("memory of verify, MiB", "peak_bytes", "levelkeep-verify", "",
         False, 64),
]


def ratios(above, below, measure):
    """One ratio for each round in which both rows were measured."""
    return [a[measure] / b[measure]
            for a, b in zip(above, below) if b.get(measure)]


def summary(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def median_of(row, measure):
    return statistics.median(sample[measure] for sample in row.samples)


def judge(goal, by_id, suffix):
    """The result for a goal; None if a row that it needs was not measured."""
    def find(ident):
        row = by_id.get(ident + suffix) or by_id.get(ident)
        return row if row is not None and row.samples else None

    above = find(goal.above)
    below = find(goal.below) if goal.below else None
    if above is None or (goal.below and below is None):
        return None
    if below is None:
        values = [sample[goal.measure] / MIB for sample in above.samples]
        reached = max(values)  # for memory, the worst round counts
    else:
        values = ratios(above.samples, below.samples, goal.measure)
        reached = (median_of(above, goal.measure) /
                   median_of(below, goal.measure))
    met = reached >= goal.bound if goal.at_least else reached <= goal.bound
    return {"goal": goal.title + suffix, "at_least": goal.at_least,
            "bound": goal.bound, "reached": reached, "rounds": summary(values),
            "met": met}


def judge_all(all_rows, suffixes):
    by_id = {row.ident: row for row in all_rows}
    judged = [judge(goal, by_id, suffix)
              for suffix in suffixes for goal in GOALS]
    return [result for result in judged if result is not None]
