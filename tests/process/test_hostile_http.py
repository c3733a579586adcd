"""A thousand hostile requests at the real server; health answers meanwhile.

The cases are data: hostile_framing.py, hostile_requests.py and
hostile_access.py.
"""

import hostile_access
import hostile_framing
import hostile_requests
from hostile_access import GOOD_TOKENS, TOKEN, TOKEN_CASES
from hostile_harness import Drip, Stalled, Victim, Watch, assert_log_sound
from raw_http import exchange, get, post

CASES = (hostile_framing.CASES + hostile_requests.CASES
         + hostile_access.CASES)


def stalled_clients(port):
    """Clients of every kind, too few to reach the limit of connections."""
    return [Drip(port, 100, b"GET /livez HTTP/1.1\r\nHost: loc", b"a"),
            Drip(port, 50, post("/api/events", b"", "Content-Length: 60000"),
                 b" "),
            Drip(port, 50, post("/api/events", b"",
                                "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
            Stalled(port, 100),
            Stalled(port, 20, get("/api/events/stream"))]


def test_names_of_cases_are_unique_and_many():
    names = [case.name for case in CASES + TOKEN_CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 1000


def test_without_token(site, seed):
    with site.serve(LOG_LEVEL="debug") as server:
        victim = Victim(site, server, seed)
        with Watch(server):
            clients = stalled_clients(server.port)
            for client in clients:
                client.__enter__()
            try:
                victim.run_all(CASES)
            finally:
                for client in clients:
                    client.__exit__()
        victim.judge()
    assert_log_sound(server)


def test_with_token(site, seed):
    with site.serve(LOG_LEVEL="debug", API_TOKEN=TOKEN) as server:
        victim = Victim(site, server, seed)
        with Watch(server):
            victim.run_all(CASES, anonymous=True)
            victim.run_all(TOKEN_CASES)
            victim.judge()
            # Cases with a Host line get the token and end as without one.
            victim.run_all([case for case in CASES
                            if b"\r\nHost: " in case.raw
                            and case.name != "limit/100-headers"],
                           authorization=f"Bearer {TOKEN}")
            for value in GOOD_TOKENS:
                answer = exchange(server.port, get(
                    "/api/backup/list", f"Authorization: {value}"))
                assert answer.status == 200, (value, answer.body)
            refused = exchange(server.port, get("/api/backup/list"))
            assert refused.headers["www-authenticate"].startswith("Bearer ")
        victim.judge()
    assert_log_sound(server)
