"""HTTP as bytes: sends anything, and checks every answer before it is used.

Every answer of the server goes through `Answer`, which demands what must hold
for any request: a well-formed head, only headers that the product has, one
sound X-Request-Id, a body of the announced length, and a problem document for
each error.
"""

import json
import re
import socket

from client import check_problem

PATIENCE = 60  # seconds; a bound for hanging, not a speed requirement

HEADERS = {
    "accept-ranges", "allow", "cache-control", "connection",
    "content-disposition", "content-length", "content-range", "content-type",
    "date", "etag", "retry-after", "transfer-encoding", "www-authenticate",
    "x-accel-buffering", "x-content-type-options", "x-request-id"}
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [A-Za-z -]+")
HEADER_LINE = re.compile(rb"([A-Za-z-]+): ([\x20-\x7e]*)")
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What no answer may contain: paths, exceptions, C++ and errno texts.
SECRETS = re.compile(rb"canary: nobody|root:x:|\bstd::|what\(\)|errno|terminate|"
                     rb"nlohmann|\[json\.exception|/proc/")


class Closed(Exception):
    """The server ended the connection instead of an answer."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body

    def json(self):
        return json.loads(self.body)

    def check(self, head_only=False):
        assert SAFE_ID.fullmatch(self.headers.get("x-request-id", "")), \
            self.headers
        if self.status in (204, 304):
            assert "content-length" not in self.headers, self.headers
        elif "transfer-encoding" not in self.headers:
            assert "content-length" in self.headers, self.headers
        assert not SECRETS.search(self.body[:65536]), self.body[:2000]
        if self.status >= 400 and not head_only:
            self.check_problem()
        return self

    def check_problem(self):
        assert self.headers["content-type"] == "application/problem+json", \
            self.headers
        problem = self.json()
        check_problem(problem, self.status)
        if self.status in (409, 503) and problem["code"] != "refused":
            assert self.headers.get("retry-after"), self.headers

    @property
    def code(self):
        return self.json().get("code") if self.status >= 400 else None


def parse_head(head):
    lines = head.split(b"\r\n")
    status = STATUS_LINE.fullmatch(lines[0])
    assert status, f"no status line: {lines[0]!r}"
    headers = {}
    for line in lines[1:]:
        match = HEADER_LINE.fullmatch(line)
        assert match, f"malformed header in the answer: {line!r}"
        name = match.group(1).decode().lower()
        assert name in HEADERS, f"not a header of ours: {line!r}"
        assert name not in headers, f"twice in the answer: {line!r}"
        headers[name] = match.group(2).decode()
    return int(status.group(1)), headers


class Raw:
    """One connection; a context manager."""

    def __init__(self, port, patience=PATIENCE, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer)
        self.socket.settimeout(patience)
        self.socket.connect(("127.0.0.1", port))
        self.input = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """False when the server no longer listens."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def finish_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def fill(self):
        """False at the end of the connection."""
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.input += part
        return bool(part)

    def take(self, size):
        while len(self.input) < size:
            if not self.fill():
                raise Closed(f"{size - len(self.input)} bytes missing")
        part, self.input = self.input[:size], self.input[size:]
        return part

    def take_until(self, end):
        while end not in self.input:
            if not self.fill():
                assert not self.input, f"half an answer: {self.input[:300]!r}"
                raise Closed("no answer")
        part, self.input = self.input.split(end, 1)
        return part

    def answer(self, head_only=False):
        """The next answer; `Closed` if the connection ends in its place."""
        status, headers = parse_head(self.take_until(b"\r\n\r\n"))
        if status == 100:
            assert headers == {}, headers
            return Answer(100, headers, b"")
        if head_only or status in (204, 304):
            return Answer(status, headers, b"").check(head_only)
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self._chunks()).check()
        size = int(headers["content-length"])
        return Answer(status, headers, self.take(size)).check()

    def _chunks(self):
        body = b""
        while True:
            size = int(self.take_until(b"\r\n"), 16)
            body += self.take(size)
            assert self.take(2) == b"\r\n"
            if size == 0:
                return body

    def is_closed(self):
        """Waits for the end of the connection; false if bytes come instead."""
        return not self.input and not self.fill()


def request(method, target, *lines, body=b"", host="localhost",
            version="HTTP/1.1"):
    """A request as bytes; `lines` are header lines, latin-1 or bytes.

    A body gets its Content-Length unless a line speaks of framing.
    """
    head = [_raw(f"{method} ") + _raw(target) + _raw(f" {version}")]
    if host is not None:
        head.append(b"Host: " + _raw(host))
    head += map(_raw, lines)
    framed = any(re.match(rb"(?i)(content-length|transfer-encoding)", line)
                 for line in head[1:])
    if body and not framed:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _raw(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def get(target, *lines, **options):
    return request("GET", target, *lines, **options)


def post(target, body=b"", *lines, **options):
    return request("POST", target, *lines, body=body, **options)


def exchange(port, data, head_only=False):
    with Raw(port) as raw:
        raw.send(data)
        return raw.answer(head_only)
