"""GET /metrics of a real server, judged by Prometheus' own promtool; the alert
rules and the dashboard that name these metrics."""

import json
import pathlib
import re
import subprocess

from events import make_events
from harness import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
RULES = MONITORING / "levelkeep-alerts.yml"
NO_SPACE = {"BACKUP_RESERVE": "1000T"}
# Needs backups of several days that outgrow the disk: metrics_test.cc has it.
NOT_YET_KNOWN = {"levelkeep_disk_full_in_seconds"}


def promtool(*arguments, text=None):
    """Fails, with an error that names it, if promtool is not installed."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=text,
                          text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def scrape(server):
    reply = server.api.get("/metrics")
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == (
        "text/plain; version=0.0.4; charset=utf-8")
    return reply.body.decode()


def samples(text):
    """{'levelkeep_backups{status="verified"}': 1.0, ...}"""
    return {series: float(value) for series, value in
            (line.rsplit(" ", 1) for line in text.splitlines()
             if not line.startswith("#"))}


def names_of(text):
    """The metrics of an answer, as its TYPE lines name them."""
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def metrics_in(expression):
    """The metrics that an expression names; a histogram without its suffix."""
    names = re.findall(r"\blevelkeep_[a-z_]+", expression)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def make_every_state(server, seed):
    """A verified backup, unsaved writes, a reason, a schedule."""
    server.api.append_all(make_events(seed, "w", 0, 5))
    name = server.api.create()["name"]
    server.api.post(f"/api/backup/{name}/verify", {"depth": "full"}).ok()
    server.api.append_all(make_events(seed, "w", 5, 5))
    (server.site.restore / "half.tar.gz").write_bytes(b"x")


def alert_expressions():
    expressions = re.findall(r"expr: (?:>-\n)?((?:.*\n)(?: {10}.*\n)*)",
                             RULES.read_text())
    assert len(expressions) > 10, expressions
    return expressions


def dashboard_expressions():
    dashboard = json.loads(
        (MONITORING / "levelkeep-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"]
                   for target in panel["targets"]]
    expressions += [variable["query"] for variable
                    in dashboard["templating"]["list"]
                    if variable["type"] == "query"]
    assert len(expressions) > 10, expressions
    return expressions


def test_promtool_accepts_the_answer(site, seed):
    with site.serve(BACKUP_VERIFY="false") as server:
        assert promtool("check", "metrics", text=scrape(server)) == ""
        make_every_state(server, seed)
        assert promtool("check", "metrics", text=scrape(server)) == ""


def test_what_rules_and_dashboard_name_is_there(site, seed):
    with site.serve(BACKUP_VERIFY="false", AUTO_BACKUP_ENABLED="true"
                    ) as server:
        make_every_state(server, seed)
        there = names_of(scrape(server))
    assert "levelkeep_health_reason" in there
    for expression in alert_expressions() + dashboard_expressions():
        assert metrics_in(expression) <= there | NOT_YET_KNOWN, expression
    page = (ROOT / "docs/metrics.md").read_text()
    for name in NOT_YET_KNOWN:
        assert f"| `{name}` |" in page


def test_nothing_changes_at_a_kill(site, seed):
    with site.serve(BACKUP_VERIFY="false") as server:
        make_every_state(server, seed)
        before = samples(scrape(server))
        health = server.api.health()["backup"]
        server.kill9()
    with site.serve(BACKUP_VERIFY="false", AUTO_RESTORE_ENABLED="false"
                    ) as server:
        after = samples(scrape(server))
        assert server.api.health()["backup"]["lastSuccess"] == (
            health["lastSuccess"])
    stay = [series for series in before if series.startswith((
        "levelkeep_backup", "levelkeep_last", "levelkeep_jobs_total",
        "levelkeep_job_duration", "levelkeep_unsaved_writes",
        "levelkeep_unsaved_events"))]
    assert len(stay) > 30
    assert {one: after.get(one) for one in stay} == {
        one: before[one] for one in stay}


def test_a_first_failure_shows_and_outlives_a_restart(site, seed):
    failed = 'levelkeep_jobs_total{type="create",status="failed"}'
    reason = 'levelkeep_health_reason{code="backup_failed"}'
    with site.serve() as server:
        server.api.append_all(make_events(seed, "w", 0, 5))
        before = samples(scrape(server))
        assert before[failed] == 0 and reason not in before
    with site.serve(AUTO_BACKUP_ENABLED="false", **NO_SPACE) as server:
        assert server.api.post("/api/backup/create").status == 507
        after = samples(scrape(server))
        assert after[failed] >= 1 and after[reason] == 1
    with site.serve(AUTO_BACKUP_ENABLED="false") as server:
        assert samples(scrape(server))[reason] == 1
        named = server.api.health()["backup"]["reasons"]
        assert [one["code"] for one in named] == ["backup_failed"], named
        assert named[0]["doc"] == "docs/operations.md#the-last-backup-failed"
        server.api.create()
        assert reason not in samples(scrape(server))


def test_a_running_job_is_shown_while_it_runs(site, seed):
    running = 'levelkeep_job_running{type="create"}'
    with site.serve(BACKUP_RATE_LIMIT="20000", BACKUP_COMPRESSION="false",
                    AUTO_BACKUP_ENABLED="false") as server:
        server.api.append_all(make_events(seed, "w", 0, 500))
        job = server.api.post("/api/backup/trigger").headers["Location"]
        wait_until(lambda: running in samples(scrape(server)), "the job")
        server.api.request("DELETE", job)
        wait_until(lambda: running not in samples(scrape(server)), "its end")


def test_a_scrape_needs_the_token(site):
    with site.serve(API_TOKEN="geheim") as server:
        server.api.token = None
        server.api.get("/metrics").problem(401)
        server.api.token = "geheim"
        assert "levelkeep_store_usable 1\n" in scrape(server)


def test_the_rules_are_valid_and_fire():
    promtool("check", "rules", RULES)
    promtool("test", "rules", MONITORING / "levelkeep-alerts-test.yml")


def test_each_metric_of_the_rules_is_missed_if_it_is_absent():
    expressions = alert_expressions()
    absent = {name for one in expressions if one.startswith("absent(")
              for name in metrics_in(one)}
    used = set().union(*map(metrics_in, expressions))
    # There only with a reason, or once it is known.
    assert used - absent == {"levelkeep_health_reason"} | NOT_YET_KNOWN


def test_no_rule_takes_the_increase_of_a_time():
    for expression in alert_expressions() + dashboard_expressions():
        for function in ("increase", "rate", "delta"):
            assert not re.search(function + r"\([^)]*timestamp", expression)


def test_the_rules_name_entries_that_exist():
    page = (ROOT / "docs/operations.md").read_text()
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
               for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    named = re.findall(r"docs/operations\.md#([a-z-]+)", RULES.read_text())
    assert len(named) > 5 and set(named) <= anchors, set(named) - anchors


def test_the_rules_are_documented():
    page = (ROOT / "docs/metrics.md").read_text()
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    assert set(re.findall(r"^\| `(LevelKeep\w+)` \|", page,
                          re.MULTILINE)) == alerts


def test_the_container_is_judged_by_liveness_alone():
    """A restart does not mend a slow or failed backup."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    check = re.search(r"^HEALTHCHECK (?:.|\\\n)*?CMD (\[.*\])$", dockerfile,
                      re.MULTILINE)
    assert json.loads(check.group(1)) == ["levelkeep", "health", "--live"]
