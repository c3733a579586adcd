"""Events that can be made again from their own name.

An event carries (seed, writer, number), and its payload follows from these, so
that a reader can tell whether each single event is what was sent.
"""

import base64
import hashlib
import threading

SMALLEST, LARGEST = 200, 1200  # bytes of an event's JSON, about


def make_event(seed, writer, number):
    name = f"{seed}/{writer}/{number}".encode()
    digest = hashlib.sha256(name).digest()
    room = LARGEST - SMALLEST - 40
    length = 110 + int.from_bytes(digest[:4], "big") % room
    raw = hashlib.shake_256(name).digest(length * 3 // 8 + 3)
    # Half of the payload is random and half repeats, as in real event bodies.
    text = base64.b64encode(raw).decode()
    payload = (text + text)[:length]
    return {"type": ("created", "changed", "removed")[digest[4] % 3],
            "stream": f"stream-{digest[5]}",
            "data": {"writer": writer, "number": number,
                     "payload": payload}}


def make_events(seed, writer, first, count):
    return [make_event(seed, writer, n) for n in range(first, first + count)]


def assert_is_as_sent(seed, event):
    """`event` as read back is exactly what its writer sent."""
    data = event["data"]
    sent = make_event(seed, data["writer"], data["number"])
    for field in ("type", "stream", "data"):
        assert event[field] == sent[field], (event, sent)


class Writers:
    """Threads that append batches until told to stop or all is sent.

    `acknowledged` counts events whose reply arrived, `sent` counts events
    whose request began. A backup must hold all events that were acknowledged
    when it was asked for, and none that was not sent.
    """

    def __init__(self, api, seed, threads=2, batch=500, total=None,
                 first_number=0, pause=0):
        self.api = api
        self.seed = seed
        self.batch = batch
        self.pause = pause  # seconds between a thread's batches
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._next = first_number
        self._end = None if total is None else first_number + total
        self.sent = 0
        self.acknowledged = 0
        self.last = 0        # highest acknowledged sequence
        self.batches = {}    # first sequence -> (writer, number, count)
        self.errors = []
        self._threads = [
            threading.Thread(target=self._write, args=(f"w{n}",))
            for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        return False

    def stop(self):
        self._stop.set()
        self.join()

    def join(self):
        for thread in self._threads:
            thread.join(600)
            assert not thread.is_alive(), "a writer hangs"

    def snapshot(self):
        """(acknowledged, last sequence, sent) of one moment."""
        with self._lock:
            return self.acknowledged, self.last, self.sent

    def _claim(self):
        with self._lock:
            count = self.batch
            if self._end is not None:
                count = min(count, self._end - self._next)
            if count <= 0:
                return None
            number = self._next
            self._next += count
            self.sent += count
            return number, count

    def _write(self, writer):
        while not self._stop.is_set():
            claimed = self._claim()
            if claimed is None:
                return
            number, count = claimed
            try:
                first, last = self.api.append(
                    make_events(self.seed, writer, number, count))
            except Exception as error:  # the test judges the error
                self.errors.append(error)
                return
            with self._lock:
                self.acknowledged += count
                self.last = max(self.last, last)
                self.batches[first] = (writer, number, count)
            if self.pause:
                self._stop.wait(self.pause)
