"""The supervisor's side of sd_notify(3): a datagram socket."""

import pathlib
import socket
import threading
import time

from harness import wait_until


class Supervisor:
    """Collects the lines NAME=value that a service sends."""

    def __init__(self, address):
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:]
                          if self.address.startswith("@") else self.address)
        self.heard = []  # (monotonic time, line)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                message = self._socket.recv(65536)
            except OSError:
                return
            now = time.monotonic()
            self.heard += [(now, line) for line in
                           message.decode().splitlines()]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._socket.close()

    def lines(self, beginning, since=0.0):
        return [line for heard, line in list(self.heard)
                if heard >= since and line.startswith(beginning)]

    def wait(self, beginning, since=0.0, seconds=30):
        return wait_until(lambda: self.lines(beginning, since),
                          f"{beginning} among {self.heard[-20:]}",
                          seconds)[0]


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += (task / "children").read_text().split()
        except OSError:  # the thread has ended
            pass
    return [int(child) for child in found]
