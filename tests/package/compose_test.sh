#!/usr/bin/env bash
# docker-compose accepts docker-compose.yml, and the file keeps its promises.
source "$(dirname "$0")/lib.sh"

command -v docker-compose >/dev/null ||
  fail "docker-compose is missing: run scripts/install-packages.sh test"
cd "$SOURCE_DIR"
docker-compose -f docker-compose.yml config -q
docker-compose -f docker-compose.yml config >"$WORK/config"

/usr/bin/python3 - "$WORK/config" <<'PYTHON' || fail "see above"
import sys
import yaml

with open(sys.argv[1], encoding="utf-8") as text:
    services = yaml.safe_load(text)["services"]
app, worker = services["app"], services["worker"]


def targets(service):
    """Where its volumes are mounted."""
    return {
        v["target"] if isinstance(v, dict) else v.split(":")[1]
        for v in service["volumes"]
    }


def check(condition, what):
    if not condition:
        sys.exit("docker-compose.yml: " + what)


home = "/usr/src/app/"
check(targets(app) == {home + "storage", home + "backups", home + "restore"},
      "app mounts %s" % targets(app))
check(targets(worker) == {home + "backups"},
      "the worker must see backups only, not %s" % targets(worker))
check(worker["command"] == ["worker"], "the worker runs the wrong command")
ports = [str(p) if not isinstance(p, dict) else
         "%s:%s:%s" % (p.get("host_ip"), p["published"], p["target"])
         for p in app["ports"]]
check([p.split("/")[0] for p in ports] == ["127.0.0.1:5050:5050"],
      "published on %s, not on the host's loopback" % ports)
for name, service in services.items():
    check(service["read_only"] is True, name + ": root is writable")
    check(service["cap_drop"] == ["ALL"], name + " keeps capabilities")
    # What `levelkeep own` needs, and the step to the service's user.
    check(sorted(service["cap_add"]) ==
          ["CHOWN", "DAC_READ_SEARCH", "FOWNER", "SETGID", "SETPCAP",
           "SETUID"], name + " has other capabilities")
    check("no-new-privileges:true" in service["security_opt"],
          name + " may gain privileges")
    check(service["stop_grace_period"] == "30s", name + " is killed early")
PYTHON

# As root, the image's first process gives the folders to the service (the fake
# levelkeep shows that on standard error), and the image's levelkeep becomes the
# service's user. As another user, both just go on.
mkdir "$WORK/bin"
cat >"$WORK/bin/levelkeep" <<'SCRIPT'
#!/bin/sh
echo "levelkeep $*"
SCRIPT
cat >"$WORK/bin/setpriv" <<'SCRIPT'
#!/bin/sh
echo "setpriv $*"
SCRIPT
cat >"$WORK/bin/id" <<'SCRIPT'
#!/bin/sh
echo "$UNDER_TEST"
SCRIPT
chmod +x "$WORK/bin/"*
entry() {
  PATH="$WORK/bin:$PATH" UNDER_TEST="$1" sh packaging/container-entry.sh serve
}
[[ "$(entry 10001 2>&1)" == "levelkeep serve" ]] ||
  fail "as a user: $(entry 10001 2>&1)"
[[ "$(entry 0 2>"$WORK/given")" == "levelkeep serve" ]] ||
  fail "as root: $(entry 0 2>&1)"
[[ "$(cat "$WORK/given")" == "levelkeep own --user levelkeep" ]] ||
  fail "as root: $(cat "$WORK/given")"
sed "s#/usr/local/bin#$WORK/bin#" packaging/container-levelkeep.sh \
  >"$WORK/levelkeep.sh"
program() {
  PATH="$WORK/bin:$PATH" UNDER_TEST="$1" sh "$WORK/levelkeep.sh" "${@:2}"
}
[[ "$(program 10001 create)" == "levelkeep create" ]] ||
  fail "as a user: $(program 10001 create)"
[[ "$(program 0 own)" == "levelkeep own" ]] || fail "own: $(program 0 own)"
program 0 create --json >"$WORK/program"
grep -q -- '--reuid=levelkeep .*--bounding-set=-all .*/levelkeep create --json$' \
  "$WORK/program" || fail "as root: $(cat "$WORK/program")"
grep -q '^ENTRYPOINT .*container-entry.sh' Dockerfile || fail "not the entry"
grep -q '^COPY .*container-levelkeep.sh /usr/local/sbin/levelkeep' Dockerfile ||
  fail "not the program"
