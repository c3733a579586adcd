"""Hostile requests below the routes: framing, lines, chunks, limits.

The body that a refused request carries would store an event of the type
"smuggled" if any byte of it were executed. The body of a request that must be
taken stores "allowed".
"""

from collections import namedtuple

from raw_http import get, post, request

# `raw`: the bytes to send. `statuses`: the answers in their order, each a
# status or a set of statuses; `None`: the connection ends without an answer.
# `code`: of the first answer's problem. `half_close`: the client ends its side.
Case = namedtuple("Case", "name raw statuses code half_close",
                  defaults=(None, False))

BAD = b'{"type":"smuggled"}'
GOOD = b'{"type":"allowed"}'
# Its lower-case header keeps this request apart from those that get a token.
SMUGGLED = post("/api/events", BAD, "host: localhost", host=None)
EVENTS = "/api/events"
KIB = 1024


def one(name, raw, status, code=None):
    return Case(name, raw, [status], code)


def _lengths():
    def case(name, value, status=400):
        lines = [f"Content-Length: {value}"]
        return one(f"length/{name}", post(EVENTS, BAD, *lines), status)
    yield case("list", "19, 19")
    yield case("plus", "+19")
    yield case("minus", "-19")
    yield case("zero-minus", "-0")
    yield case("blank-inside", "1 9")
    yield case("tab-inside", "1\t9")
    yield case("hex", "0x13")
    yield case("octal-prefix", "0o23")
    yield case("overflow-64", "18446744073709551635")
    yield case("overflow-32", "4294967315", 413)
    yield case("largest", "18446744073709551615", 413)
    yield case("hundred-digits", "9" * 100)
    yield case("word", "chunked")
    yield case("empty", "")
    yield case("fraction", "19.0")
    yield case("exponent", "19e0")
    yield case("underscore", "1_9")
    yield case("quoted", '"19"')
    yield case("semicolon", "19;")
    yield case("fullwidth", "\xef\xbc\x91\xef\xbc\x99")
    yield case("above-route", str((1 << 20) + 1), 413)
    yield one("length/two-same", post(
        EVENTS, BAD, "Content-Length: 19", "Content-Length: 19"), 400)
    yield one("length/two-different", post(
        EVENTS, BAD, "Content-Length: 19", "Content-Length: 0"), 400)
    yield one("length/two-cases", post(
        EVENTS, BAD, "Content-Length: 19", "content-length: 1"), 400)
    yield one("length/leading-zeros", post(
        EVENTS, GOOD, "Content-Length: 00018"), 201)
    yield one("length/with-te", post(
        EVENTS, b"0\r\n\r\n" + SMUGGLED, "Content-Length: 5",
        "Transfer-Encoding: chunked"), 400)
    yield one("length/after-te", post(
        EVENTS, b"0\r\n\r\n" + SMUGGLED, "Transfer-Encoding: chunked",
        "Content-Length: 5"), 400)
    yield one("length/zero-with-te", post(
        EVENTS, b"13\r\n" + BAD + b"\r\n0\r\n\r\n", "Content-Length: 0",
        "Transfer-Encoding: chunked"), 400)


def chunked(data=BAD):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


def _encodings():
    def case(name, value, status=501, body=None):
        raw = post(EVENTS, body or chunked(), f"Transfer-Encoding:{value}")
        return one(f"te/{name}", raw, status)
    yield case("chunked-identity", " chunked, identity")
    yield case("identity", " identity")
    yield case("x", " xchunked")
    yield case("trailing-letter", " chunkedx")
    yield case("twice-in-list", " chunked, chunked")
    yield case("gzip-first", " gzip, chunked")
    yield case("deflate", " deflate")
    yield case("quality", " chunked;q=1")
    yield case("quoted", ' "chunked"')
    yield case("comma-first", " ,chunked")
    yield case("comma-last", " chunked,")
    yield case("empty", "")
    yield case("vertical-tab", " \x0bchunked", 400)
    yield case("form-feed", " chunked\x0c", 400)
    yield case("nul", " chunked\x00", 400)
    yield case("kelvin-sign", " chun\xe2\x84\xaaed")
    yield case("no-break-space", "\xa0chunked")
    yield case("folded", "\r\n chunked", 400)
    yield case("folded-tab", "\r\n\tchunked", 400)
    yield case("tab", "\tchunked", 201, chunked(GOOD))
    yield case("upper-case", " CHUNKED", 201, chunked(GOOD))
    yield one("te/two-lines", post(
        EVENTS, chunked(), "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked"), 400)
    yield one("te/two-lines-identity", post(
        EVENTS, chunked(), "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked"), 400)
    yield one("te/blank-before-colon", post(
        EVENTS, chunked(), "Transfer-Encoding : chunked"), 400)
    yield one("te/http-1.0", post(
        EVENTS, chunked(), "Transfer-Encoding: chunked",
        version="HTTP/1.0"), 400)
    # To this server and to any proxy, this is just an unknown header.
    yield one("te/underscore", post(
        EVENTS, GOOD, "Transfer_Encoding: chunked",
        f"Content-Length: {len(GOOD)}"), 201)
    yield one("te/te-header", get("/livez", "TE: chunked, trailers"), 200)


def _lines():
    def line(name, text, status=400):
        return one(f"line/{name}", get("/livez", text), status)

    def raw(name, data, status=400):
        return one(f"line/{name}", data, status)
    yield raw("bare-lf", b"GET /livez HTTP/1.1\nHost: localhost\n\n")
    yield raw("bare-lf-later",
              b"GET /livez HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n")
    yield raw("bare-cr", b"GET /livez HTTP/1.1\rHost: localhost\r\r\n\r\n")
    yield line("cr-in-value", "A: b\rC: d")
    yield line("cr-cr-lf", "A: b\r")
    yield line("nul-in-value", "A: b\0c")
    yield line("nul-in-name", "A\0: b")
    yield line("blank-before-colon", "A : b")
    yield line("tab-before-colon", "A\t: b")
    yield line("folded", "A: b\r\n c")
    yield line("no-colon", "Abc")
    yield line("no-name", ": b")
    yield line("only-colon", ":")
    yield line("delete", "A: \x7f")
    yield line("escape", "A: \x1b[31m")
    yield line("backspace", "A: \x08")
    yield line("name-with-at", "A@B: c")
    yield line("name-with-slash", "A/B: c")
    yield line("name-with-umlaut", "\xc3\xa4: c")
    yield line("name-in-brackets", "[A]: c")
    yield line("value-not-utf-8", "A: \xff\xfe", 200)
    yield raw("blank-first", b" GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    yield raw("header-before-line",
              b"GET /livez HTTP/1.1\r\n A: b\r\nHost: localhost\r\n\r\n")
    yield raw("tabs", b"GET\t/livez\tHTTP/1.1\r\nHost: localhost\r\n\r\n")
    yield raw("two-blanks",
              b"GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    yield raw("blank-after",
              b"GET /livez HTTP/1.1 \r\nHost: localhost\r\n\r\n")
    yield raw("no-target", b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n")
    yield raw("http-0.9", b"GET /livez\r\n\r\n")
    yield raw("http-1.0", b"GET /livez HTTP/1.0\r\n\r\n", 200)
    yield raw("http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    for version in ("HTTP/3.7", "HTTP/1.2", "HTTP/01.1", "HTTP/1.10",
                    "HTTP/1.1.1", "HTTP/-1.1", "HTTP/1,1", "HTTP/"):
        yield one(f"version/{version}",
                  request("GET", "/livez", version=version), 505)
    for version in ("http/1.1", "HTTP", "HTTPS/1.1", "ICY/1.1", "RTSP/1.0",
                    "1.1"):
        yield one(f"version/{version}",
                  request("GET", "/livez", version=version), 400)
    yield raw("tls", bytes.fromhex("160301020001000103") + b"\r\n\r\n")
    yield raw("ssh", b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    yield raw("smtp", b"EHLO localhost\r\n\r\n")
    yield raw("redis", b"*1\r\n$4\r\nINFO\r\n\r\n")
    yield raw("memcached", b"stats\r\n\r\n")
    yield raw("proxy-protocol", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"
              + get("/livez"))
    yield raw("empty-lines-first", b"\r\n" * 3 + get("/livez"), 200)
    yield raw("endless-empty-lines", b"\r\n" * 40_000 + get("/livez"))
    yield raw("random", bytes(range(256)) + b"\r\n\r\n")


def _chunks():
    def case(name, body, status=400, path=EVENTS):
        return one(f"chunk/{name}", post(
            path, body, "Transfer-Encoding: chunked"), status)
    rest = b"\r\n" + BAD + b"\r\n0\r\n\r\n"
    for name, size in {
            "negative": b"-13", "signed": b"+13", "hex-prefix": b"0x13",
            "blank-first": b" 13", "nine-digits": b"000000013",
            "overflow-64": b"10000000000000013", "empty": b"",
            "garbage": b"13 garbage", "no-hex": b"1g", "comma": b"13,13",
            "fullwidth": "１３".encode(), "dot": b"13.0",
            "cr-in-extension": b"13;a\rb", "nul-in-extension": b"13;a\0b",
            "escape-in-extension": b"13;\x1b[0m", "quote": b"'13'",
            "blank-no-semicolon": b"13 \t x=y"}.items():
        yield case(name, size + rest)
    yield case("huge", b"ffffffff" + rest, 413)
    yield case("extension-of-a-mib", b"13;" + b"x" * (1 << 20) + rest)
    yield case("many-extensions", b"".join(
        b"1;%s\r\n{\r\n" % (b"x" * 400) for _ in range(20)))
    yield case("lf-only", b"13\n" + BAD + b"\n0\n\n")
    yield case("no-crlf-after-data", b"13\r\n" + BAD + b"0\r\n\r\n")
    yield case("longer-than-said", b"12\r\n" + BAD + b"\r\n0\r\n\r\n")
    yield case("shorter-than-said", b"14\r\n" + BAD + b"\r\n0\r\n\r\n")
    yield case("never-ending", b"ffff\r\n" + (b" " * 0xffff + b"\r\nffff\r\n")
               * 17, 413)
    yield case("one-byte-each", b"1\r\n \r\n" * 66_000, 413,
               "/api/backup/create")
    yield case("trailer-without-colon",
               chunked()[:-2] + b"garbage\r\n\r\n")
    yield case("trailer-folded", chunked()[:-2] + b"A: b\r\n c\r\n\r\n")
    yield case("trailer-with-nul", chunked()[:-2] + b"A: \0\r\n\r\n")
    yield case("trailer-too-long",
               chunked()[:-2] + b"A: " + b"x" * 5000 + b"\r\n\r\n")
    yield case("trailers-too-many", chunked()[:-2] + b"A: bcdef\r\n" * 1000)
    yield case("trailer-with-length", chunked(GOOD)[:-2]
               + b"Content-Length: 500\r\nHost: evil\r\n\r\n", 201)
    yield case("extension", b"12;a=\"b\";c\r\n" + GOOD + b"\r\n0;d\r\n\r\n",
               201)
    yield case("zero-padded", b"00000012\r\n" + GOOD + b"\r\n00\r\n\r\n",
               201)
    for name, body in {"cut-in-size": b"1", "cut-in-data": b"13\r\n" + BAD[:5],
                       "cut-before-end": b"13\r\n" + BAD + b"\r\n",
                       "cut-in-trailer": chunked()[:-2]}.items():
        yield Case(f"chunk/{name}", post(
            EVENTS, body, "Transfer-Encoding: chunked"), [None], None, True)
    yield Case("length/cut", post(EVENTS, BAD[:5], "Content-Length: 19"),
               [None], None, True)
    yield Case("line/cut", b"GET /livez HT", [None], None, True)


def _limits():
    def many(count):
        return get("/livez", *[f"A{n}: b" for n in range(count - 1)])
    yield one("limit/line", get("/" + "a" * 8 * KIB), 414, "uri_too_long")
    yield one("limit/line-endless", b"G" * 20 * KIB, 414)
    yield one("limit/query", get("/livez?a=" + "b" * 8 * KIB), 414)
    yield one("limit/path-that-fits", get("/" + "a" * 8000), 404)
    yield one("limit/header", get("/livez", "A: " + "b" * 32 * KIB), 431,
              "headers_too_large")
    yield one("limit/header-endless",
              b"GET /livez HTTP/1.1\r\nA: " + b"b" * 60 * KIB, 431)
    yield one("limit/100-headers", many(100), 200)
    yield one("limit/101-headers", many(101), 431, "too_many_headers")
    yield one("limit/5000-headers", many(5000), 431)
    for route in ("create", "restore", "rotate"):
        path = f"/api/backup/{route}"
        yield one(f"limit/body-{route}",
                  post(path, b" " * (64 * KIB + 1)), 413, "too_large")
        yield one(f"limit/chunked-{route}",
                  post(path, chunked(b" " * (64 * KIB + 1)),
                       "Transfer-Encoding: chunked"), 413, "too_large")
    yield one("limit/body-events", post(EVENTS, b" " * (KIB * KIB + 1)), 413)
    yield one("limit/body-of-no-route", post("/x", b" " * (64 * KIB + 1)),
              413)
    yield one("limit/body-of-get", get(
        "/livez", "Content-Length: 65537", body=b" " * 65537), 413)


def _smuggling():
    """A body that looks like a request stays a body."""
    def pair(name, method, path, status, *lines):
        raw = request(method, path, *lines, body=SMUGGLED) + get("/livez")
        return Case(f"smuggle/{name}", raw, [status, 200])
    yield pair("404", "POST", "/api/nothing", 404)
    yield pair("405", "PUT", "/api/health", 405)
    yield pair("403", "POST", "/api/backup/rotate", 403,
               "Origin: http://evil.example")
    yield pair("400", "POST", "/api/backup/create", 400)
    yield pair("get", "GET", "/api/health", 200)
    yield pair("delete", "DELETE", "/api/backup/x", 400)
    yield pair("options", "OPTIONS", "/api/events", 405)
    yield pair("upgrade", "GET", "/api/health", 200, "Connection: Upgrade",
               "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    yield pair("websocket", "GET", "/api/events/stream/x", 404,
               "Connection: Upgrade", "Upgrade: websocket",
               "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
    yield Case("smuggle/after-close", post(
        "/api/nothing", b"", "Connection: close") + SMUGGLED, [404, None])
    yield Case("smuggle/after-refusal", b"x y z\r\n\r\n" + SMUGGLED,
               [400, None])
    yield Case("smuggle/after-413", post(
        "/api/backup/create", b"", "Content-Length: 70000") + SMUGGLED,
        [413, None])
    yield Case("smuggle/after-trailing-chunk", post(
        "/api/nothing", chunked(), "Transfer-Encoding: chunked")
        + get("/livez"), [404, 200])
    yield Case("pipeline/100", get("/livez") * 100, [200] * 100)
    yield Case("pipeline/mixed", get("/livez") + post(EVENTS, GOOD)
               + get("/x") + get("/readyz"), [200, 201, 404, 200])


def _expect():
    def case(name, value, statuses, body=GOOD, *lines):
        return Case(f"expect/{name}", post(
            EVENTS, body, *([f"Expect: {value}"] if value is not None
                            else []), *lines), statuses)
    # The body is there already, so that neither side waits.
    yield case("body-there", "100-continue", [201])
    yield case("upper-case", "100-CONTINUE", [201])
    yield case("unknown", "200-ok", [417], BAD)
    yield case("list", "100-continue, 100-continue", [417], BAD)
    yield case("quality", "100-continue;q=1", [417], BAD)
    yield case("empty", "", [417], BAD)
    yield case("twice", None, [400], BAD, "Expect: 100-continue",
               "Expect: 100-continue")
    yield Case("expect/too-large", post(
        EVENTS, b"", "Expect: 100-continue", "Content-Length: 9999999"),
        [413], "too_large")
    yield Case("expect/then-body", post(
        EVENTS, b"", "Expect: 100-continue", f"Content-Length: {len(GOOD)}"),
        [100])
    yield Case("expect/no-body", get("/livez", "Expect: 100-continue"), [200])
    yield Case("expect/http-1.0", request(
        "POST", EVENTS, "Expect: 100-continue", body=GOOD,
        version="HTTP/1.0"), [201])


def _body_encodings():
    for coding in ("gzip", "deflate", "br", "zstd", "compress", "x-gzip",
                   "gzip, gzip", "identity, gzip", "", "*"):
        yield one(f"content-encoding/{coding or 'empty'}", post(
            EVENTS, BAD, f"Content-Encoding: {coding}"), 415,
            "unsupported_encoding")
    yield one("content-encoding/twice", post(
        EVENTS, BAD, "Content-Encoding: identity",
        "Content-Encoding: gzip"), 400)
    yield one("content-encoding/identity", post(
        EVENTS, GOOD, "Content-Encoding: identity"), 201)
    for value in ("gzip", "br;q=1.0, *;q=0.1", "identity;q=0", "*;q=0",
                  ",,,,", "gzip;q=9999999999", "x" * 4000):
        yield one(f"accept-encoding/{value[:20]}", get(
            "/api/health", f"Accept-Encoding: {value}"), 200)


CASES = [*_lengths(), *_encodings(), *_lines(), *_chunks(), *_limits(),
         *_smuggling(), *_expect(), *_body_encodings()]
