"""Hostile requests about access: Host, Origin, tokens, injected headers."""

import base64

from hostile_framing import BAD, Case, EVENTS, GOOD, one
from hostile_requests import NAME
from raw_http import get, post, request

TOKEN = "s3cret-Token.with~signs+/=="

BAD_HOSTS = [
    "evil.example", "evil.example:5050", "localhost.evil.example",
    "127.0.0.1.evil.example", "127.0.0.1.nip.io", "xn--lcalhost-54a",
    "localhost.", "localhost.localdomain", "0.0.0.0", "0", "127.1",
    "127.0.0.1.", "127.0.0.256", "127.0.0.0x1", "2130706433", "0x7f000001",
    "017700000001", "0177.0.0.1", "::1", "[::]", "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::1", "::1]", "[::1]x", "[::1]:x",
    "[fe80::1]", "[]", "localhost:99999", "localhost:-1", "localhost:80:80",
    "localhost:http", "localhost:", ":80", "", "a@localhost",
    "localhost@evil.example", "user:pw@localhost", "localhost/",
    "localhost/..", "http://localhost", "localhost,evil.example",
    "localhost, localhost", "localhost evil.example", "localhost%00",
    "localhost%2eevil", "localhost#", "localhost?", "localhost\\evil", "*",
    "local\xe2\x80\xa4host", "\xef\xbd\x8cocalhost", "localh\xc3\xb6st",
    "10.0.0.1", "192.168.1.1", "metadata.google.internal",
    "169.254.169.254", "a" * 5000,
]
GOOD_HOSTS = ["localhost", "LOCALHOST", "localhost:5050", "127.0.0.1",
              "127.0.0.1:1", "127.255.255.254", "[::1]", "[::1]:5050"]

ORIGIN_TARGET = "/api/backup/rotate"
DRY = b'{"dryRun":true}'


def _hosts():
    for host in BAD_HOSTS:
        name = host[:40] or "empty"
        yield one(f"host/{name}", get("/api/health", host=host), 403,
                  "host_not_allowed")
        # Under such a host name, neither reads of data nor changes get through.
        yield one(f"host/{name}-post", post(EVENTS, BAD, host=host), 403,
                  "host_not_allowed")
    for host in GOOD_HOSTS:
        yield one(f"host/good-{host}", get("/api/health", host=host), 200)
    yield one("host/livez-any", get("/livez", host="evil.example"), 200)
    yield one("host/missing", get("/api/health", host=None), 400)
    yield one("host/two", get("/api/health", "Host: localhost"), 400)
    yield one("host/two-different", get("/api/health", "Host: evil.example"),
              400)
    yield one("host/folded-second", get("/api/health",
                                        "Host:\r\n evil.example"), 400)
    yield one("host/http-1.0-evil", get(
        "/api/health", host="evil.example", version="HTTP/1.0"), 403)
    yield one("host/forwarded", get(
        "/api/health", "X-Forwarded-Host: localhost",
        "Forwarded: host=localhost", "X-Host: localhost",
        host="evil.example"), 403, "host_not_allowed")
    for name, target in {
            "absolute": "http://localhost/api/health",
            "absolute-evil": "http://evil.example/api/health",
            "absolute-https": "https://localhost/api/health",
            "userinfo": "http://user@localhost/api/health",
            "authority": "localhost:5050", "no-slash": "api/health",
            "at": "@localhost/api/health", "query-only": "?a=b",
            "backslash-first": "\\api\\health", "fragment": "/livez#a",
            "file": "file:///etc/passwd", "javascript": "javascript:1",
            "double-at": "@@", "empty-query-name": "/livez?a=1&a=2",
            "bad-escape-in-query": "/livez?a=%zz"}.items():
        yield one(f"target/{name}", get(target), 400, "bad_request")
    for name, target in {
            "two-slashes": "//evil.example/api/health",
            "three-slashes": "///api/health", "dots": "/api/../api/health",
            "dot": "/./api/health", "slash-last": "/api/health/",
            "semicolon": "/api/health;a=b", "upper-case": "/API/HEALTH",
            "encoded-slash": "/api%2fhealth%2f", "extension":
            "/api/health.json", "blank": "/api/health%20",
            "empty-segment": "/api//health", "root": "/",
            "metrics-up": "/api/backup/download/", "well-known":
            "/.well-known/security.txt", "dot-env": "/.env",
            "git": "/.git/config", "jndi": "/$%7bjndi:ldap:%2f%2fx%7d",
            }.items():
        yield one(f"target/{name}", get(target), 404, "not_found")


def _origins():
    def case(name, status, *lines):
        # Requests that are let in store an event, because two jobs could be in
        # each other's way.
        raw = post(EVENTS, GOOD, *lines) if status == 201 else \
            post(ORIGIN_TARGET, DRY, *lines)
        return one(f"origin/{name}", raw, status,
                   "cross_origin" if status == 403 else None)
    for origin in ("http://evil.example", "null", "http://localhost.evil",
                   "http://localhost:1", "", "file://", "http://",
                   "http://evil.example@localhost", "http://localhost/",
                   "http://localhost,http://evil.example",
                   "http://localhost http://evil.example",
                   "chrome-extension://abc", "localhost", "//localhost",
                   "http:localhost", "ws://localhost", "http://127.0.0.1",
                   "http://xn--lcalhost-54a", "\xff"):
        yield case(origin or "empty", 403, f"Origin: {origin}")
    for site in ("cross-site", "same-site", "", "SAME-ORIGIN", "x",
                 "same-origin, cross-site", "none;x"):
        yield case(f"site-{site or 'empty'}", 403, f"Sec-Fetch-Site: {site}")
        yield case(f"site-{site or 'empty'}-own-origin", 403,
                   f"Sec-Fetch-Site: {site}", "Origin: http://localhost")
    yield case("two", 400, "Origin: http://localhost",
               "Origin: http://evil.example")
    yield case("two-sites", 400, "Sec-Fetch-Site: none",
               "Sec-Fetch-Site: cross-site")
    yield case("own", 201, "Origin: http://localhost")
    yield case("own-upper-case", 201, "Origin: HTTP://LOCALHOST")
    yield case("site-same-origin", 201, "Sec-Fetch-Site: same-origin")
    yield case("site-none", 201, "Sec-Fetch-Site: none")
    yield one("origin/no-host", post(
        ORIGIN_TARGET, DRY, "Origin: http://localhost", host=None,
        version="HTTP/1.0"), 403, "cross_origin")
    for method, target in (("POST", EVENTS), ("DELETE", f"/api/backup/{NAME}"),
                           ("POST", "/api/backup/create"),
                           ("POST", "/api/backup/restore"),
                           ("POST", "/api/backup/undo"),
                           ("POST", f"/api/backup/{NAME}/pin")):
        yield one(f"origin/{method}-{target}", request(
            method, target, "Origin: http://evil.example", body=BAD), 403,
            "cross_origin")
        # A preflight's answer has nothing that a browser takes for a yes.
        yield one(f"origin/preflight-{method}-{target}", request(
            "OPTIONS", target, "Origin: http://evil.example",
            f"Access-Control-Request-Method: {method}",
            "Access-Control-Request-Headers: authorization"), 405)
    yield one("origin/private-network", request(
        "OPTIONS", EVENTS, "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Private-Network: true"), 405)


def _injection():
    for name, value in {
            "crlf": "a%0d%0aSet-Cookie:%20injected", "html": "<script>",
            "lf": "a%0ainjected", "blank": "a b", "quote": 'a"b',
            "65": "x" * 65, "10-kb": "x" * 10_000, "empty": "",
            "unicode": "\xe2\x80\xae", "high": "\xff", "slash": "../x",
            "format": "%n%n%s%x", "jndi": "${jndi:ldap://x}",
            "tab": "a\tb"}.items():
        yield one(f"request-id/{name}", get(
            "/api/health", f"X-Request-Id: {value}"), 200)
    yield one("request-id/twice", get(
        "/api/health", "X-Request-Id: a", "X-Request-Id: b"), 400)
    for name, line in {
            "user-agent": "User-Agent: a%0d%0aX-Injected: b",
            "referer": "Referer: () { :;}; echo injected",
            "cookie": "Cookie: a=%0d%0aX-Injected:%20b",
            "accept": "Accept: ../../etc/passwd",
            "content-type": "Content-Type: application/json;a=%0d%0ab",
            "forwarded-for": "X-Forwarded-For: 127.0.0.1%0d%0ab",
            "prefer": "Prefer: respond-async\tx",
            "range-on-json": "Range: bytes=0-0",
            "keep-alive": "Keep-Alive: timeout=999999, max=0",
            "connection-list": "Connection: keep-alive, X-Request-Id"}.items():
        yield Case(f"header/{name}", get("/api/health", line)
                   + get("/livez"), [200, 200])
    for name, target in {
            "c1": "/a%c2%85injected", "rtl": "/%e2%80%aeinjected",
            "line-separator": "/%e2%80%a8injected", "quote": "/%22injected",
            "ansi-8-bit": "/%c2%9b31minjected",
            "zero-width": "/%e2%80%8binjected"}.items():
        yield one(f"log/{name}", get(target), 404)


def _tokens():
    """For a server with a token: no request with these credentials gets in."""
    basic = base64.b64encode(f"user:{TOKEN}".encode()).decode()

    def case(name, *lines, target="/api/backup/list", status=401):
        return one(f"token/{name}", get(target, *lines), status)
    yield case("none")
    for name, value in {
            "empty": "", "scheme-only": "Bearer", "scheme-blank": "Bearer ",
            "no-scheme": TOKEN, "basic": f"Basic {basic}",
            "basic-plain": f"Basic {TOKEN}", "token": f"Token {TOKEN}",
            "prefix": f"Bearer {TOKEN[:-1]}", "first-letter":
            f"Bearer {TOKEN[0]}", "longer": f"Bearer {TOKEN}x",
            "twice": f"Bearer {TOKEN} {TOKEN}", "comma":
            f"Bearer {TOKEN},", "list": f"Bearer x, Bearer {TOKEN}",
            "upper-case": f"Bearer {TOKEN.upper()}", "tab":
            f"Bearer\t{TOKEN}", "quoted": f'Bearer "{TOKEN}"',
            "equals": f"Bearer={TOKEN}", "colon": f"Bearer: {TOKEN}",
            "no-blank": f"Bearer{TOKEN}", "encoded":
            "Bearer %73" + TOKEN[1:], "nul-encoded": f"Bearer {TOKEN}%00",
            "unicode": f"Bearer {TOKEN}\xe2\x80\x8b", "fullwidth":
            "Bearer \xef\xbd\x93" + TOKEN[1:], "null": "Bearer null",
            "undefined": "Bearer undefined", "star": "Bearer *",
            "sql": "Bearer ' OR '1'='1", "jwt-none":
            "Bearer eyJhbGciOiJub25lIn0.e30.", "no-break-space":
            f"Bearer\xa0{TOKEN}", "20-kb": "Bearer " + "x" * 20_000,
            "digest": f'Digest username="x", response="{TOKEN}"'}.items():
        yield case(name, f"Authorization: {value}")
    yield case("two-headers", f"Authorization: Bearer {TOKEN}",
               f"Authorization: Bearer {TOKEN}", status=400)
    yield case("two-headers-second-good", "Authorization: Bearer x",
               f"authorization: Bearer {TOKEN}", status=400)
    yield case("nul", f"Authorization: Bearer {TOKEN}\0", status=400)
    yield case("folded", f"Authorization: Bearer\r\n {TOKEN}", status=400)
    yield case("blank-before-colon", f"Authorization : Bearer {TOKEN}",
               status=400)
    for header in ("Proxy-Authorization", "X-Api-Key", "X-Auth-Token",
                   "X-Authorization", "Api-Token", "Authorization-"):
        yield case(header, f"{header}: Bearer {TOKEN}")
    yield case("cookie", f"Cookie: token={TOKEN}; Authorization={TOKEN}")
    escaped = TOKEN.replace("+", "%2b").replace("=", "%3d")
    for name in ("token", "access_token", "API_TOKEN", "Authorization"):
        yield case(f"query-{name}",
                   target=f"/api/backup/list?{name}={escaped}")
    yield case("unknown-route", target="/api/nothing")
    yield case("download", target=f"/api/backup/download/{NAME}")
    yield case("stream", target=f"{EVENTS}/stream")
    yield one("token/body", post(EVENTS, BAD), 401)
    yield one("token/method", request("PUT", "/api/health"), 401)


CASES = [*_hosts(), *_origins(), *_injection()]
TOKEN_CASES = list(_tokens())
GOOD_TOKENS = [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER {TOKEN}",
               f"Bearer   {TOKEN}", f"Bearer {TOKEN} \t "]
