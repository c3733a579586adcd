"""The table for people and the JSON file for programs."""

import json

import goals
import rows

TITLES = {
    rows.CREATE: "Making a backup, durable",
    rows.SECOND: "The next backup, after 1 % was appended",
    rows.RESTORE: "Restoring up to the first Get, durable",
    rows.OTHER: "Checking",
}
# The first of these rows that was measured is the reference.
REFERENCES = {
    rows.CREATE: ("levelkeep-live", "levelkeep-offline"),
    rows.SECOND: ("levelkeep-second",),
    rows.RESTORE: ("levelkeep-restore",),
    rows.OTHER: ("levelkeep-verify",),
}
MB = 1_000_000
# The kernel's writing back and the services of an idle system take less.
BUSY_SHARE = 0.15


def reference_of(all_rows, section, suffix):
    """The row that the others of its section are compared with."""
    measured = {row.ident: row for row in all_rows if row.samples}
    for ident in REFERENCES[section]:
        if ident + suffix in measured:
            return measured[ident + suffix]
    return None


def figures(row, reference):
    """All figures of a row, as the JSON file has them."""
    found = {"id": row.ident, "section": row.section, "title": row.title}
    if row.build:
        found["build"] = row.build
    if not row.samples:
        return {**found, "state": row.state}
    found["state"] = "measured"
    for key in sorted(set.intersection(*(set(s) for s in row.samples))):
        values = [sample[key] for sample in row.samples]
        if isinstance(values[0], (int, float)):
            found[key] = goals.summary(values)
    if reference is not None:
        found["times_levelkeep"] = {
            **goals.summary(goals.ratios(row.samples, reference.samples,
                                         "wall_s")),
            "of_medians": goals.median_of(row, "wall_s") /
            goals.median_of(reference, "wall_s")}
    found["samples"] = row.samples
    return found


def document(all_rows, suffixes, facts):
    """All results of the measurement."""
    described = []
    for row in all_rows:
        reference = reference_of(all_rows, row.section, suffixes[-1])
        described.append(figures(row, reference))
    return {"format": 1, **facts, "rows": described,
            "goals": goals.judge_all(all_rows, suffixes)}


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def table_line(row):
    if row["state"] != "measured":
        return f"| {row['title']} | {row['state']} | | | | | | |"
    wall = row["wall_s"]
    size = row.get("output_bytes")
    times = row.get("times_levelkeep")
    return " | ".join([
        f"| {row['title']}", seconds(wall["median"]),
        f"{seconds(wall['min'])}-{seconds(wall['max'])}",
        seconds(row["cpu_s"]["median"]),
        f"{row['peak_bytes']['max'] / MB:.0f}",
        f"{row['private_bytes']['max'] / MB:.0f}",
        f"{size['median'] / MB:.1f}" if size else "",
        f"{times['of_medians']:.2f}" if times else ""]) + " |"


def section_lines(section, described):
    chosen = [row for row in described if row["section"] == section]
    if not chosen:
        return []
    chosen.sort(key=lambda row: -row["wall_s"]["median"]
                if row["state"] == "measured" else 1)
    return ["", f"## {TITLES[section]}", "",
            "| way | median s | min-max s | CPU s | peak MB | private MB | "
            "output MB | times LevelKeep's |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
            *map(table_line, chosen)]


def goal_lines(judged):
    if not judged:
        return []
    lines = ["", "## Goals", "",
             "| ratio | goal | reached | in each round | met |",
             "|---|--:|--:|--:|---|"]
    for goal in judged:
        sign = "≥" if goal["at_least"] else "≤"
        rounds = goal["rounds"]
        lines.append(
            f"| {goal['goal']} | {sign} {goal['bound']:g} | "
            f"{goal['reached']:.2f} | {rounds['min']:.2f}-{rounds['max']:.2f} "
            f"| {'yes' if goal['met'] else 'no'} |")
    return lines


def others_line(described):
    """A table that was measured on a busy machine must say so."""
    shares = [sample["others_share"] for row in described
              for sample in row.get("samples", ())]
    if not shares:
        return "Nothing was measured."
    mean = sum(shares) / len(shares)
    text = (f"While it was measured, other processes and the kernel's own "
            f"threads took {mean:.0%} of the processors' time.")
    if mean > BUSY_SHARE:
        text += " **The machine was busy: don't trust these times.**"
    return text


def fact_lines(found):
    machine = found["machine"]
    lines = [
        f"# LevelKeep and others: {found['database']['bytes'] / MB:.0f} MB", "",
        f"{machine['date']}, commit {machine['git']}, "
        f"{found['rounds']} round(s). "
        f"{machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_bytes'] / MB / 1000:.1f} GB of memory, "
        f"{machine['kernel']}, {machine['file_system']}. "
        f"The database: {found['database']['files']} files.", "",
        "Each row is compared with LevelKeep's in its table "
        "(live create, second archive, restore in place): more than 1 is "
        "slower than LevelKeep. How it was measured: bench/README.md.", "",
        others_line(found["rows"])]
    lines += ["", *(f"- {name}: {'equal' if equal else 'DIFFERENT'}"
                    for name, equal in found["checks"].items())]
    return lines


def markdown(found):
    lines = fact_lines(found)
    for section in TITLES:
        lines += section_lines(section, found["rows"])
    lines += goal_lines(found["goals"])
    lines += ["", "## Versions", "", "| program | version |", "|---|---|"]
    lines += [f"| {name} | {version} |"
              for name, version in found["versions"].items()]
    return "\n".join(lines) + "\n"


def write(found, base):
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    with open(base + ".md", "w", encoding="utf-8") as file:
        file.write(markdown(found))
