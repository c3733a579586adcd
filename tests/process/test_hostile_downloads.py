"""Ranges and conditions of downloads, checked byte by byte with RFC 9110."""

import time
from email.utils import formatdate

import pytest

from events import make_events
from harness import wait_until
from hostile_harness import Stalled, Watch, fill_with_noise
from raw_http import Raw, exchange, get, request
from store import assert_archive_sound, sha256


@pytest.fixture
def backup(site, seed):
    """(server, path of the target, content) of one backup, watched."""
    with site.serve() as server:
        server.api.append_all(make_events(seed, "w", 0, 500))
        name = server.api.create()["name"]
        # The background verification changes what the server tells of it.
        wait_until(lambda: server.api.backups()[0]["verified"],
                   "the backup was verified")
        with Watch(server):
            yield (server, f"/api/backup/download/{name}",
                   (site.backups / name).read_bytes())
        assert_archive_sound(site.backups / name)


def whole(size):
    """Ranges that a server may ignore and that this server ignores."""
    return [
        "bytes=0-1,2-3", "bytes=0-0, -1", "bytes=0-,0-,0-,0-",
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=" + ",".join(f"{n}-{n}" for n in range(1000)),
        "bytes=5-2", "bytes=-", "bytes=", "bytes", "=0-1", "", "0-1",
        "bytes 0-1", "bytes=a-b", "bytes=0x0-0x1", "bytes=--1", "bytes=1--2",
        "bytes=0-1-2", "bytes=+0-+1", "bytes=0-1;x", "bytes=0.0-1",
        "bytes=\xd9\xa0-\xd9\xa1", "lines=0-1", "items=0-1", "seconds=1-2",
        "none", f"bytes=0-{size}x", "bytes=-0x1", "bytes=0-1,", "bytes=,0-1",
        "bytes:0-1", '"bytes=0-1"', "bytes=0-1\tx"]


def parts(size):
    """(Range, first, last) of ranges that are answered with 206."""
    last = size - 1
    return [
        ("bytes=0-0", 0, 0), ("bytes=0-99", 0, 99), ("bytes=100-", 100, last),
        ("bytes=-1", last, last), ("bytes=-100", size - 100, last),
        (f"bytes=-{size}", 0, last), (f"bytes=-{size + 1}", 0, last),
        (f"bytes=0-{size}", 0, last), (f"bytes=0-{last}", 0, last),
        (f"bytes={last}-", last, last), (f"bytes={last}-{last}", last, last),
        ("bytes=0-", 0, last), ("bytes=0-18446744073709551615", 0, last),
        ("bytes=0-18446744073709551616", 0, last),
        ("bytes=-18446744073709551616", 0, last),
        ("bytes=0-" + "9" * 400, 0, last), ("bytes=000-0009", 0, 9),
        ("bytes= 1-2 ", 1, 2), ("bytes=1-1", 1, 1)]


def beyond(size):
    return [f"bytes={size}-", f"bytes={size}-{size + 5}", "bytes=-0",
            "bytes=18446744073709551615-", "bytes=18446744073709551616-",
            "bytes=9223372036854775807-9223372036854775808",
            "bytes=" + "9" * 400 + "-", "bytes=-000"]


def test_ranges(backup):
    server, target, content = backup
    size = len(content)
    cases = 0
    for value in whole(size):
        answer = exchange(server.port, get(target, f"Range: {value}"))
        assert answer.status == 200, (value, answer.status)
        assert answer.body == content, value
        assert "content-range" not in answer.headers
        cases += 1
    for value, first, last in parts(size):
        answer = exchange(server.port, get(target, f"Range: {value}"))
        assert answer.status == 206, (value, answer.status)
        assert answer.body == content[first:last + 1], value
        assert answer.headers["content-range"] == \
            f"bytes {first}-{last}/{size}", value
        assert answer.headers["etag"]
        cases += 1
    for value in beyond(size):
        answer = exchange(server.port, get(target, f"Range: {value}"))
        assert answer.status == 416, (value, answer.status)
        assert answer.code == "range_not_satisfiable"
        assert answer.headers["content-range"] == f"bytes */{size}"
        cases += 1
    twice = exchange(server.port, get(target, "Range: bytes=0-1",
                                      "Range: bytes=0-1"))
    assert twice.status == 400
    print(f"{cases + 1} ranges")


def test_parts_put_together_are_the_whole(backup, rng):
    server, target, content = backup
    joined, at = b"", 0
    with Raw(server.port) as raw:
        while at < len(content):
            last = at + rng.randrange(1, 40_000)
            raw.send(get(target, f"Range: bytes={at}-{last}"))
            answer = raw.answer()
            assert answer.status == 206
            joined += answer.body
            at = last + 1
    assert joined == content


def test_conditions(backup):
    server, target, content = backup

    def ask(*lines, method="GET"):
        return exchange(server.port, request(method, target, *lines),
                        head_only=method == "HEAD")
    etag = ask().headers["etag"]
    assert etag.startswith('"') and etag.endswith('"'), etag
    future = formatdate(time.time() + 1e6, usegmt=True)
    past = formatdate(0, usegmt=True)
    for value in (etag, f"W/{etag}", "*", f'"x", {etag}', f'{etag},"y"',
                  f'"a,b" , {etag}'):
        for method in ("GET", "HEAD"):
            answer = ask(f"If-None-Match: {value}", method=method)
            assert answer.status == 304, (value, method, answer.status)
            assert answer.headers["etag"] == etag
            # If-None-Match counts before a date and a range.
            assert ask(f"If-None-Match: {value}", "Range: bytes=0-1",
                       f"If-Modified-Since: {past}").status == 304
    for value in ('"x"', etag[1:-1], etag.upper(), etag[:-2] + '"', "", '""',
                  f'"{etag}"', "W/*", "w/" + etag, '"*"', "x" * 5000):
        answer = ask(f"If-None-Match: {value}")
        assert answer.status == 200 and answer.body == content, value
    # No Last-Modified is sent, so dates mean nothing.
    for line in (f"If-Modified-Since: {future}", f"If-Modified-Since: {past}",
                 f"If-Unmodified-Since: {past}", "If-Modified-Since: x",
                 "If-Modified-Since: Sun, 99 Foo 9999 99:99:99 GMT"):
        assert ask(line).status == 200, line
    for value, status in ((etag, 200), ("*", 200), (f'"x", {etag}', 200),
                          ('"x"', 412), (f"W/{etag}", 412), ("", 412),
                          (etag[1:-1], 412)):
        answer = ask(f"If-Match: {value}")
        assert answer.status == status, (value, answer.status)
        assert status == 200 or answer.code == "precondition_failed"


def test_if_range(backup):
    server, target, content = backup
    etag = exchange(server.port, get(target)).headers["etag"]

    def ask(value, wanted="bytes=10-19"):
        return exchange(server.port, get(target, f"If-Range: {value}",
                                         f"Range: {wanted}"))
    same = ask(etag)
    assert same.status == 206 and same.body == content[10:20]
    assert ask(etag, f"bytes={len(content)}-").status == 416
    # For another version, the whole file is sent, even if the range is wrong.
    for value in ('"x"', f"W/{etag}", etag[1:-1], "", "*", f"{etag}, {etag}",
                  formatdate(time.time(), usegmt=True), etag.upper(),
                  "Sat, 01 Jan 2000 00:00:00 GMT"):
        for wanted in ("bytes=10-19", f"bytes={len(content)}-"):
            answer = ask(value, wanted)
            assert answer.status == 200, (value, wanted, answer.status)
            assert answer.body == content
    alone = exchange(server.port, get(target, f'If-Range: "x"'))
    assert alone.status == 200
    assert exchange(server.port, get(
        target, f"If-Range: {etag}", f"If-Range: {etag}",
        "Range: bytes=0-1")).status == 400


def test_head_is_get_without_the_body(backup):
    server, target, content = backup
    for path in (target, "/api/health", "/api/backup/list", "/livez",
                 "/api/backup/latest", "/api/events", "/api/nothing",
                 "/api/backup/download/nothing"):
        with Raw(server.port) as raw:
            raw.send(get(path))
            by_get = raw.answer()
            raw.send(request("HEAD", path))
            by_head = raw.answer(head_only=True)
            assert by_head.status == by_get.status, path
            for name in ("content-type", "etag", "content-disposition",
                         "cache-control"):
                assert by_head.headers.get(name) == \
                    by_get.headers.get(name), (path, name)
            if path not in ("/api/health",):  # the figures in it change
                assert by_head.headers["content-length"] == \
                    by_get.headers["content-length"], path
            raw.send(get("/livez"))  # in step only if no body came
            assert raw.answer().status == 200
    # RFC 9110, 14.2: a range is for GET only.
    answer = exchange(server.port, request(
        "HEAD", target, "Range: bytes=0-1"), head_only=True)
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(content))
    assert "content-range" not in answer.headers
    stream = exchange(server.port, request("HEAD", "/api/events/stream"),
                      head_only=True)
    assert stream.status == 200


def test_downloads_beyond_the_limit_are_told_so(site, seed, rng):
    with site.serve() as server:
        fill_with_noise(server, rng, 24)
        name = server.api.create()["name"]
        target = f"/api/backup/download/{name}"
        with Watch(server):
            with Stalled(server.port, 40, get(target), 4096) as slow:
                turned_away = 0
                for raw in slow.clients:
                    status = raw.take_until(b"\r\n").split()[1]
                    turned_away += status == b"503"
                assert turned_away == 8, turned_away
            reply = server.api.get(target)
            assert reply.status == 200
            got = site.root / "got"
            got.write_bytes(reply.body)
            assert sha256(got) == sha256(site.backups / name)
