"""Hostile requests to the routes: bodies, names, hosts, origins, headers.

As in hostile_framing.py, no event of the type "smuggled" may ever be stored.
"""

import json

from hostile_framing import BAD, Case, EVENTS, GOOD, one
from raw_http import get, post, request

# A name of the right form that no backup has.
ABSENT = "backup_2024-12-27_120000.tar.gz"
# Every request has this in place of the name of the one backup that there is.
NAME = "backup_0000-00-00_000000.tar.gz"

BODY_ROUTES = {
    "create": "/api/backup/create",
    "restore": "/api/backup/restore",
    "undo": "/api/backup/undo",
    "rotate": "/api/backup/rotate",
    "verify": f"/api/backup/{NAME}/verify",
    "drill": "/api/drill",
    "pin": f"/api/backup/{NAME}/pin",
    "events": EVENTS,
}

# Refused by every route that reads a body.
BAD_BODIES = {
    "open-brace": b"{",
    "deep-33": b"[" * 33 + b"]" * 33,
    "deep-object": b'{"a":' * 40 + b"1" + b"}" * 40,
    "deep-30000": b"[" * 30_000 + b"]" * 30_000,
    "deep-unclosed": b'[{"a":' * 8000,
    "duplicate": b'{"type":"smuggled","type":"smuggled"}',
    "duplicate-escaped": b'{"type":"smuggled","\\u0074ype":"smuggled"}',
    "nan": b'{"type":"smuggled","data":NaN}',
    "infinity": b'{"type":"smuggled","data":-Infinity}',
    "too-large-number": b'{"type":"smuggled","data":1e999}',
    "too-small-number": b'{"type":"smuggled","data":-1e999}',
    "leading-zero": b'{"type":"smuggled","data":01}',
    "plus": b'{"type":"smuggled","data":+1}',
    "hex-number": b'{"type":"smuggled","data":0x1}',
    "lone-high-surrogate": b'{"type":"\\ud800"}',
    "lone-low-surrogate": b'{"type":"\\udc00"}',
    "wrong-surrogates": b'{"type":"\\ud800\\ud800"}',
    "latin-1": b'{"type":"caf\xe9"}',
    "overlong-utf-8": b'{"type":"\xc0\xaf"}',
    "utf-8-surrogate": b'{"type":"\xed\xa0\x80"}',
    "utf-8-too-high": b'{"type":"\xf4\x90\x80\x80"}',
    "utf-16": '{"type":"smuggled"}'.encode("utf-16"),
    "utf-32": '{"type":"smuggled"}'.encode("utf-32"),
    "only-bom": b"\xef\xbb\xbf",
    "two-boms": b"\xef\xbb\xbf" * 2 + BAD,
    "nul": b'{"type":"smuggled"}\0',
    "nul-inside": b'{"type":"smug\0gled"}',
    "raw-newline": b'{"type":"smug\ngled"}',
    "trailing-comma": b'{"type":"smuggled",}',
    "trailing-garbage": BAD + b"x",
    "two-documents": BAD + BAD,
    "comment": b'{"type":"smuggled"/**/}',
    "single-quotes": b"{'type':'smuggled'}",
    "bare-word": b"smuggled",
    "form": b"type=smuggled&data=1",
    "xml": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
    "multipart": b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "string": b'"smuggled"',
    "array-of-nothing": b"[]",
    "array-of-null": b"[null]",
    "array-of-arrays": b"[[[]]]",
    "dense-array": b"[" + b"{}," * 20_000 + b"{}]",
    "dense-object": b"{" + b",".join(
        b'"%d":[]' % n for n in range(5000)) + b"}",
}


def _bodies():
    for name, body in BAD_BODIES.items():
        for route, path in BODY_ROUTES.items():
            yield one(f"json/{name}@{route}", post(path, body), 400,
                      "invalid_argument")
    for name, body in {
            "type-missing": b'{"data":1}', "type-null": b'{"type":null}',
            "type-number": b'{"type":1}', "type-empty": b'{"type":""}',
            "type-201": b'{"type":"%s"}' % (b"x" * 201),
            "type-nul": b'{"type":"a\\u0000b"}',
            "type-newline": b'{"type":"a\\nb"}',
            "type-delete": b'{"type":"a\\u007f"}',
            "type-array": b'{"type":["smuggled"]}',
            "stream-number": b'{"type":"smuggled","stream":1}',
            "stream-201": b'{"type":"smuggled","stream":"%s"}' % (b"x" * 201),
            "unknown-member": b'{"type":"smuggled","sequence":7}',
            "proto": b'{"type":"smuggled","__proto__":{}}',
            "one-bad-in-batch": b'[{"type":"smuggled"},{"type":5}]',
            "data-too-deep": b'{"type":"smuggled","data":%s%s}' % (
                b"[" * 32, b"]" * 32)}.items():
        yield one(f"events/{name}", post(EVENTS, body), 400,
                  "invalid_argument")
    yield one("events/10001", post(
        EVENTS, b"[" + b",".join([BAD] * 10_001) + b"]"), 413, "too_large")
    yield one("events/bom", post(EVENTS, b"\xef\xbb\xbf" + GOOD), 201)
    yield one("events/emoji", post(
        EVENTS, '{"type":"allowed","data":"🦆\u202e\u2028"}'.encode()), 201)
    yield one("events/nul-in-data", post(
        EVENTS, b'{"type":"allowed","data":"a\\u0000b"}'), 201)
    yield one("events/deep-31", post(
        EVENTS, b'{"type":"allowed","data":%s%s}' % (b"[" * 31, b"]" * 31)),
        201)


def _labels():
    for name, label in {
            "parent": "../x", "slash": "a/b", "backslash": "a\\b",
            "absolute": "/tmp/x", "newline": "a\nb", "crlf": "a\r\nX: y",
            "nul": "a\0b", "escape": "\x1b[31m", "c1": "a\x85b",
            "emoji": "🦆", "umlaut": "ä", "rtl": "a\u202eb",
            "fullwidth": "ａ", "10-kb": "x" * 10_000, "65": "x" * 65,
            "dot-first": ".x", "dash-first": "-x", "blank": "a b",
            "glob": "*", "shell": "$(id)", "quote": "a'b", "percent": "%2e",
            "suffix": "x.tar.gz", "colon": "a:b",
            "part": ".levelkeep-x.part"}.items():
        yield one(f"label/{name}", post(
            BODY_ROUTES["create"], json.dumps({"label": label}).encode()),
            400, "invalid_argument")
    for name, value in {"number": 5, "list": ["a"], "object": {"a": "b"},
                        "true": True}.items():
        yield one(f"label/{name}", post(
            BODY_ROUTES["create"], json.dumps({"label": value}).encode()),
            400, "invalid_argument")


# Names for targets with a {name}; decoded, they are no name of a backup. Some
# contain a good name, or a canary outside the folder.
HOSTILE_NAMES = {
    "parent": "..", "dot": ".", "parent-encoded": "%2e%2e",
    "parent-mixed": ".%2E", "up": f"../restore/{ABSENT}",
    "up-encoded": f"..%2frestore%2f{ABSENT}",
    "up-all-encoded": "%2e%2e%2fcanary%2f" + ABSENT,
    "up-backslash": f"..%5ccanary%5c{ABSENT}",
    "up-double": f"..%252fcanary%252f{ABSENT}",
    "up-triple": f"..%25252fcanary%25252f{ABSENT}",
    "up-overlong": f"%c0%ae%c0%ae%c0%afcanary%c0%af{ABSENT}",
    "up-overlong-3": f"%e0%80%ae%e0%80%ae%e0%80%af{ABSENT}",
    "up-iis": f"..%u2215canary%u2215{ABSENT}",
    "up-division-slash": f"..%e2%88%95canary%e2%88%95{ABSENT}",
    "up-fraction-slash": f"..%e2%81%84canary%e2%81%84{ABSENT}",
    "up-fullwidth": f"%ef%bc%8e%ef%bc%8e%ef%bc%8fcanary%ef%bc%8f{ABSENT}",
    "up-semicolon": f"..;/canary/{ABSENT}",
    "absolute": "%2fetc%2fpasswd", "file-url": "file:%2f%2f%2fetc%2fpasswd",
    "drive": "C:%5cWindows%5cwin.ini", "nul-last": f"{NAME}%00",
    "nul-then-png": f"{NAME}%00.png", "newline": f"{NAME}%0a",
    "crlf": f"{NAME}%0d%0aX-Injected:%20yes", "blank-last": f"{NAME}%20",
    "dot-last": f"{NAME}.", "slash-last": f"{NAME}%2f",
    "current": f".%2f{NAME}", "down-up": f"x%2f..%2f{NAME}",
    "stream": f"{NAME}:$DATA", "sidecar": f"{NAME}.sha256",
    "part": f".levelkeep-{NAME}.part", "upper-case": NAME.upper(),
    "long": "a" * 4000, "long-dots": "..%2f" * 700 + "etc%2fpasswd",
    "glob": "*.tar.gz", "brace": "%7bname%7d", "tilde": "~root",
    "lone-percent": "%", "half-escape": "%2", "bad-escape": "%zz",
    "c1": "a%c2%85b", "rtl": "%e2%80%aegz.rat", "not-utf-8": "%ff",
    "raw-high-byte": "\xff", "raw-nul": "a\0b",
}


def _named(method, before, after=""):
    for name, text in HOSTILE_NAMES.items():
        yield one(f"name/{name}@{method}{before}{after}",
                  request(method, f"{before}{text}{after}"), {400, 404, 405})


def _names():
    yield from _named("GET", "/api/backup/")
    yield from _named("DELETE", "/api/backup/")
    yield from _named("GET", "/api/backup/download/")
    yield from _named("POST", "/api/backup/", "/verify")
    yield from _named("POST", "/api/backup/", "/pin")
    yield from _named("DELETE", "/api/backup/", "/pin")
    yield from _named("GET", "/api/jobs/")
    yield from _named("GET", "/")
    for name, text in {
            "up": "../canary/" + ABSENT, "absolute": "/etc/passwd",
            "nul": NAME + "\0", "newline": NAME + "\n", "dots": "..",
            "backslash": "..\\canary\\" + ABSENT, "blank": NAME + " ",
            "sidecar": NAME + ".sha256", "long": "../" * 15_000,
            "empty": "", "rtl": "\u202e" + NAME,
            "fullwidth": "．．／canary／" + ABSENT}.items():
        body = json.dumps({"backupName": text}).encode()
        for mode in ("stage", "live", "auto"):
            yield one(f"restore/{name}-{mode}", post(
                BODY_ROUTES["restore"], body[:-1] + b',"mode":"%s"}'
                % mode.encode()), {400, 404})
        yield one(f"restore/{name}-dry", post(
            BODY_ROUTES["restore"], body[:-1] + b',"dryRun":true}'),
            {400, 404})
    for name, body in {
            "mode": {"backupName": NAME, "mode": "force"},
            "mode-number": {"backupName": NAME, "mode": 1},
            "dry-run-text": {"backupName": NAME, "dryRun": "false"},
            "misspelled": {"backupName": NAME, "dryrun": True},
            "list": {"backupName": [NAME]}}.items():
        yield one(f"restore/{name}", post(
            BODY_ROUTES["restore"], json.dumps(body).encode()), 400)


def _queries():
    for name, query in {
            "limit-0": "limit=0", "limit-negative": "limit=-1",
            "limit-huge": "limit=1000000000", "limit-word": "limit=all",
            "limit-empty": "limit=", "limit-fraction": "limit=1.5",
            "limit-plus": "limit=%2B1", "limit-blank": "limit=+1",
            "limit-overflow": "limit=18446744073709551617",
            "limit-nul": "limit=1%00", "limit-twice": "limit=1&limit=2",
            "limit-exponent": "limit=1e1", "limit-hex": "limit=0x1",
            "after-negative": "after=-1", "after-word": "after=x",
            "after-overflow": "after=18446744073709551616",
            "after-traversal": "after=..%2f..%2fetc%2fpasswd",
            "after-crlf": "after=%0d%0aX:%20y"}.items():
        yield one(f"query/events-{name}", get(f"{EVENTS}?{query}"), 400)
        yield one(f"query/list-{name}", get(f"/api/backup/list?{query}"),
                  400)
    yield one("query/events-after-largest",
              get(f"{EVENTS}?after=18446744073709551615"), 200)
    yield one("query/events-after-signed",
              get(f"{EVENTS}?after=9223372036854775808&limit=1000"), 200)
    yield one("query/list-after-absent",
              get(f"/api/backup/list?after={ABSENT}"), 200)
    yield one("query/2000-parameters", get(
        f"{EVENTS}?" + "&".join(f"{n}=" for n in range(1200))), 200)
    for value in ("1", "TRUE", "", "yes", "true%00", "true&force=true"):
        yield one(f"query/force-{value}", request(
            "DELETE", f"/api/backup/{ABSENT}?force={value}"), 400)
    for value in ("x", "-1", "1e3", "", "18446744073709551616", "1, 2",
                  "%31", "\xd9\xa1"):
        yield one(f"query/last-event-id-{value}", get(
            f"{EVENTS}/stream", f"Last-Event-ID: {value}"), 400)
    yield one("query/last-event-id-twice", get(
        f"{EVENTS}/stream", "Last-Event-ID: 1", "Last-Event-ID: 1"), 400)


def _methods():
    for method in ("TRACE", "PUT", "PATCH", "OPTIONS", "PROPFIND", "get",
                   "Get", "DEBUG", "PRI", "A" * 20, "x-y_z!"):
        yield Case(f"method/{method}", request(method, "/api/health")
                   + get("/livez"), [405, 200], "method_not_allowed")
        yield one(f"method/{method}-create", request(
            method, BODY_ROUTES["create"]), 405, "method_not_allowed")
    yield one("method/21-letters", request("A" * 21, "/livez"), 400)
    yield one("method/9000-letters", request("A" * 9000, "/livez"), 414)
    yield one("method/bracket", request("G[T", "/livez"), 400)
    yield one("method/connect", request("CONNECT", "localhost:22"), 400)
    yield one("method/connect-path", request("CONNECT", "/livez"), 405)
    yield one("method/star", request("OPTIONS", "*"), 400)
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method",
                   "X-Method-Override"):
        yield one(f"method/{header}", get(
            f"/api/backup/{NAME}", f"{header}: DELETE"), 200)
        yield one(f"method/{header}-post", post(
            f"/api/backup/{NAME}", b"", f"{header}: DELETE"), 405)
    yield one("method/in-query", get(f"/api/backup/{NAME}?_method=DELETE"),
              200)
    for header in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"):
        yield one(f"method/{header}", get("/livez", f"{header}: /api/events"),
                  200)


CASES = [*_bodies(), *_labels(), *_names(), *_queries(), *_methods()]
