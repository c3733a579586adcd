#!/usr/bin/python3
"""Writes seeds of the http_request fuzzer: the hostile requests of
tests/process, and the bodies, hosts and targets that they are made of.

usage: http_seeds.py FOLDER
"""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "process"
sys.path.insert(0, str(TESTS))
# pylint: disable=wrong-import-position
import hostile_access  # noqa: E402
import hostile_framing  # noqa: E402
import hostile_requests  # noqa: E402

# What the first byte chooses; see http_request_fuzz.cc. A connection's bytes
# come in pieces of two sizes.
CONNECTION, AUTHORITY, TARGET, BODY = b"\0\5\3", b"\1", b"\2", b"\4"

SEEDS = {
    CONNECTION: [case.raw for case in (
        hostile_framing.CASES + hostile_requests.CASES
        + hostile_access.CASES + hostile_access.TOKEN_CASES)],
    AUTHORITY: [host.encode("latin-1") for host in (
        hostile_access.BAD_HOSTS + hostile_access.GOOD_HOSTS)],
    TARGET: [f"/api/backup/{name}".encode("latin-1")
             for name in hostile_requests.HOSTILE_NAMES.values()],
    BODY: list(hostile_requests.BAD_BODIES.values()),
}


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for start, contents in SEEDS.items():
        for number, content in enumerate(contents):
            path = folder / f"hostile-{start[0]}-{number:04}"
            path.write_bytes(start + content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
