"""Asks a server for its health until standard input ends; prints figures.

A process of its own, so that the load of a test's threads on the Python
interpreter is not taken for a slow server. Arguments: port, pid, token.
"""

import http.client
import json
import sys
import threading
import time

ASK_SECONDS = 0.2
SAMPLE_SECONDS = 0.02


def resident_kib(pid):
    """Memory of the process, without the tables that LevelDB has mapped.

    These are pages of files, which the kernel takes back when it needs them.
    """
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) - int(fields["RssFile"].split()[0])


class Watcher:
    def __init__(self, port, pid, token):
        self.port = port
        self.pid = pid
        self.headers = {"Connection": "close"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.result = {"asked": 0, "slowest": 0.0, "slowest_path": "",
                       "failures": [], "peak_kib": 0, "lag": 0.0}

    def ask(self, path):
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=30)
        try:
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            answer.read()
            failure = None if answer.status == 200 else answer.status
        except (OSError, http.client.HTTPException) as error:
            failure = repr(error)
        finally:
            connection.close()
        took = time.monotonic() - started
        if self.ended.is_set():
            return  # the server may be stopping by now
        result = self.result
        result["asked"] += 1
        if took > result["slowest"]:
            result["slowest"], result["slowest_path"] = took, path
        if failure is not None:
            result["failures"].append([path, failure])

    def sample(self):
        while not self.ended.is_set():
            started = time.monotonic()
            self.ended.wait(SAMPLE_SECONDS)
            # How late this process gets to run: not the server's fault.
            lag = time.monotonic() - started - SAMPLE_SECONDS
            self.result["lag"] = max(self.result["lag"], lag)
            try:
                now = resident_kib(self.pid)
            except (OSError, ValueError, KeyError):
                return
            self.result["peak_kib"] = max(self.result["peak_kib"], now)

    def run(self):
        threading.Thread(target=self.sample, daemon=True).start()
        while not self.ended.is_set():
            self.ask("/api/health")
            self.ask("/livez")
            self.begun.set()
            self.ended.wait(ASK_SECONDS)


def main():
    port, pid, token = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    watcher = Watcher(port, pid, token)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    watcher.begun.wait(90)
    print("watching", flush=True)
    sys.stdin.read()
    watcher.ended.set()
    thread.join()
    print(json.dumps(watcher.result))


if __name__ == "__main__":
    main()
