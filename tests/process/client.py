"""A small HTTP client with bounded waits."""

import http.client
import json


def check_problem(problem, status):
    """An error's document has the shape that docs/http-api.md promises."""
    assert problem["success"] is False, problem
    assert problem["status"] == status, problem
    for field in ("type", "title", "detail", "code", "hint"):
        assert isinstance(problem.get(field), str), (field, problem)
    assert problem["detail"] and problem["code"], problem


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def ok(self, status=200):
        assert self.status == status, f"{self.status}: {self.body[:2000]}"
        return self.json()

    def problem(self, *statuses):
        """The problem document of an error; its shape is checked."""
        assert self.status in statuses, (
            f"{self.status}, not one of {statuses}: {self.body[:2000]}")
        assert self.headers["Content-Type"].startswith(
            "application/problem+json"), self.headers
        problem = self.json()
        check_problem(problem, self.status)
        return problem


class Api:
    """One request per connection; safe from any thread."""

    def __init__(self, port, token=None):
        self.port = port
        self.token = token

    def request(self, method, path, body=None, headers=None, timeout=120):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=timeout)
        try:
            return self._exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def _exchange(self, connection, method, path, body, headers):
        sent = {"Connection": "close", **(headers or {})}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    # The product's verbs, for tests in which these have to succeed.

    def create(self, label=None, timeout=300):
        body = {"label": label} if label else None
        return self.post("/api/backup/create", body, timeout=timeout).ok()

    def backups(self):
        return self.get("/api/backup/list").ok()["backups"]

    def health(self):
        return self.get("/api/health").ok()

    def append(self, events):
        """One atomic batch; returns its first and last sequence."""
        reply = self.post("/api/events", events).ok(201)
        assert reply["count"] == len(events), reply
        return reply["first"], reply["last"]

    def append_all(self, events, batch=500):
        """Any number of events; a request takes 1 MiB at most."""
        for first in range(0, len(events), batch):
            self.append(events[first:first + batch])

    def head(self):
        """The last sequence of the store."""
        return self.get("/api/events?after=0&limit=1").ok()["last"]

    def events(self):
        """Every event, page by page."""
        found, after = [], 0
        for _ in range(100_000):
            page = self.get(
                f"/api/events?after={after}&limit=1000").ok()["events"]
            if not page:
                return found
            found.extend(page)
            after = page[-1]["sequence"]
        raise AssertionError("the event pages never end")
