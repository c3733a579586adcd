"""Clients that cost the server much: slow, numerous, large and dense ones."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from conftest import sampled
from events import make_events
from harness import wait_until
from hostile_harness import (Drip, Stalled, Victim, Watch, fill_with_noise,
                             open_files, warm_up)
from raw_http import Closed, Raw, get, post

MIB = 1 << 20
LONG_ENOUGH = 8  # seconds, longer than the deadlines of heads and bodies


class SmallWriter:
    """An honest client that appends one event after the other."""

    def __init__(self, server):
        self.server = server
        self.stored = []
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(120)
        assert not self.thread.is_alive()
        assert self.error is None, self.error
        assert self.stored, "not one event was written"

    def _run(self):
        try:
            while not self.ended.wait(0.02):
                reply = self.server.api.post("/api/events", {
                    "type": "honest", "data": len(self.stored)})
                self.stored.append(reply.ok(201)["sequence"])
        except Exception as error:  # shown by the test
            self.error = error

    def judge(self):
        found = {event["sequence"]: event for event in
                 self.server.api.events() if event["type"] == "honest"}
        for number, sequence in enumerate(self.stored):
            assert found[sequence]["data"] == number


def test_hundreds_of_slow_clients(site, seed):
    with site.serve() as server:
        victim = Victim(site, server, seed)
        port = server.port
        writer = SmallWriter(server)
        with Watch(server), writer, \
                Drip(port, 150, b"GET /livez HTTP/1.1\r\nHost: l", b"a") \
                as heads, \
                Drip(port, 100, post("/api/events", b"",
                                     "Content-Length: 60000"), b" "), \
                Drip(port, 50, b"\r\n", b"\r\n"), \
                Stalled(port, 100), \
                Stalled(port, 40, get("/api/events/stream")) as streams:
            statuses = [raw.take_until(b"\r\n").split()[1]
                        for raw in streams.clients]
            assert statuses.count(b"200") == 32, statuses
            assert statuses.count(b"503") == 8, statuses
            wait_until(lambda: heads.reconnected >= 150,
                       "slow heads were timed out")
        writer.judge()
        assert victim.server.api.get("/livez").status == 200


def test_a_thousand_idle_connections_push_out_only_each_other(site, seed):
    with site.serve() as server:
        Victim(site, server, seed)
        writer = SmallWriter(server)
        with Watch(server), writer:
            with Stalled(server.port, 700), Stalled(
                    server.port, 300, b"POST /api/events HTTP/1.1\r\n"):
                assert open_files(server.process.pid)[0] <= 520
                time.sleep(1)  # each client gets a few answers
        writer.judge()


def test_large_bodies_that_never_end(site, seed, rng):
    """Three hundred bodies of a MiB but one byte: 300 MiB if all were kept."""
    body = post("/api/events", b" " * (MIB - 1), f"Content-Length: {MIB}")
    chunks = post("/api/events", (b"ffff\r\n" + b" " * 0xffff + b"\r\n") * 16,
                  "Transfer-Encoding: chunked")
    with site.serve() as server:
        warm_up(server, rng)
        writer = SmallWriter(server)
        with Watch(server), writer:
            clients, sent = [], []
            stop = time.monotonic() + LONG_ENOUGH

            def flood(data):
                mine = []
                while time.monotonic() < stop:
                    raw = Raw(server.port)
                    mine.append(raw)
                    raw.socket.settimeout(0.5)
                    try:
                        raw.socket.sendall(data)
                    except OSError:  # rightly not read, or closed
                        pass
                    sent.append(len(data))
                    if len(mine) > 20:
                        mine.pop(0).close()
                    time.sleep(0.05)
                clients.extend(mine)
            with ThreadPoolExecutor(32) as pool:
                for _ in range(16):
                    pool.submit(flood, body)
                    pool.submit(flood, chunks)
            print(f"{len(sent)} large bodies")
            for raw in clients:
                raw.close()
            # After these clients, an honest large batch gets through.
            server.api.append([{"type": "large", "data": "x" * 900_000}])
        writer.judge()


def dense_bodies():
    """Bodies of at most a MiB; as a tree, each has 20 to 30 times that."""
    objects = b"{}," * 340_000 + b"{}"
    members = b",".join(b'"%x":{}' % n for n in range(95_000))
    nested = b'{"":' * 30 + b"1" + b"}" * 30
    data = b'{"type":"dense","data":%s}'
    return {
        "objects-at-top": (b"[" + objects + b"]", 400),
        "objects": (data % (b"[" + objects + b"]"), 201),
        "arrays": (data % (b"[" + b"[]," * 340_000 + b"[]]"), 201),
        "strings": (data % (b"[" + b'"",' * 340_000 + b'""]'), 201),
        "numbers": (data % (b"[" + b"1," * 500_000 + b"1]"), 201),
        "members": (data % (b"{" + members + b"}"), 201),
        "nested": (data % (b"[" + (nested + b",") * 6500 + b"1]"), 201),
    }


def test_dense_json_is_parsed_in_bounded_memory_and_time(site, seed, rng):
    with site.serve() as server:
        warm_up(server, rng)
        writer = SmallWriter(server)
        failed = []

        def send(item):
            name, (body, expected) = item
            assert len(body) <= MIB, name
            with Raw(server.port) as raw:
                raw.send(post("/api/events", body))
                status = raw.answer().status
            # A refusal for now is fine, too: honest clients try again.
            if status not in (expected, 503):
                failed.append((name, status))
        with Watch(server), writer:
            items = list(dense_bodies().items()) * sampled(4)
            with ThreadPoolExecutor(len(items)) as pool:
                list(pool.map(send, items))
            assert not failed, failed
        writer.judge()


def test_large_pages_for_clients_that_do_not_read(site, seed, rng):
    """The store is full of dense events; many ask for all and stop reading."""
    with site.serve() as server:
        warm_up(server, rng)
        writer = SmallWriter(server)
        page = get("/api/events?after=4800&limit=1000")
        with Watch(server), writer:
            for name in ("objects", "strings", "members", "nested"):
                for _ in range(sampled(4)):
                    body = dense_bodies()[name][0]
                    with Raw(server.port) as raw:
                        raw.send(post("/api/events", body))
                        assert raw.answer().status == 201
            with Stalled(server.port, 150, page, 4096), \
                    Stalled(server.port, 30, get(
                        "/api/events/stream?after=4800"), 4096):
                time.sleep(LONG_ENOUGH)
        writer.judge()


def test_requests_without_end_on_one_connection(site, seed):
    """Pipelining, blank lines and tiny chunks: much work for few bytes."""
    with site.serve() as server:
        Victim(site, server, seed)
        floods = [get("/livez") * 500, b"\r\n" * 30_000,
                  post("/api/nothing", b"1\r\n \r\n" * 10_000 + b"0\r\n\r\n",
                       "Transfer-Encoding: chunked"),
                  get("/" + "%41" * 2600) * 20,
                  get("/api/events?" + "&".join(
                      f"{n}=" for n in range(1000)))] * 4

        def flood(data):
            stop = time.monotonic() + 4
            while time.monotonic() < stop:
                with Raw(server.port) as raw:
                    raw.send(data)
                    raw.finish_sending()
                    try:
                        while True:
                            raw.answer()
                    except (Closed, ConnectionError):
                        pass
        with Watch(server):
            with ThreadPoolExecutor(len(floods)) as pool:
                list(pool.map(flood, floods))


def test_sigterm_with_all_kinds_of_clients(site, seed, rng):
    with site.serve() as server:
        server.api.append_all(make_events(seed, "w", 0, 200))
        fill_with_noise(server, rng, 24)
        target = "/api/backup/download/" + server.api.create()["name"]
        port = server.port
        with Stalled(port, 100), Stalled(port, 20, get(target), 4096), \
                Stalled(port, 20, b"GET /livez HTTP/1.1\r\n"), \
                Stalled(port, 20, post("/api/events", b"x",
                                       "Content-Length: 9")), \
                Stalled(port, 20, get("/api/events/stream")) as streams:
            for raw in streams.clients:
                assert raw.take_until(b"\r\n").split()[1] == b"200"
            server.stop()  # must end within the promised time
    with site.serve() as server:
        assert server.api.head() == 224
