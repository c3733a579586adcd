"""Real receivers of notifications on loopback: HTTP, and SMTP with TLS."""

import contextlib
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from harness import wait_until


class Request:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def is_signed_with(self, secret):
        text = self.headers["X-LevelKeep-Timestamp"].encode() + b"." + \
            self.body
        digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return self.headers["X-LevelKeep-Signature"] == "sha256=" + digest


class HttpReceiver:
    """Remembers each POST; answers with `answers` in turn, the last one for
    ever: a status, or a status and the seconds of Retry-After. "hang": no
    answer. A context manager."""

    def __init__(self, *answers, port=0):
        self.answers = list(answers) or [200]
        self.requests = []
        self.released = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                receiver.requests.append(
                    Request(self.path, self.headers, body))
                answer = receiver.next_answer()
                if answer == "hang":
                    receiver.released.wait(60)
                    return
                status, after = answer if isinstance(answer, tuple) else (
                    answer, None)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    if after is not None:
                        self.send_header("Retry-After", str(after))
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def next_answer(self):
        if len(self.answers) > 1:
            return self.answers.pop(0)
        return self.answers[0]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()
        return self

    def __exit__(self, kind, error, trace):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        return False

    def paths(self):
        return [request.path for request in self.requests]

    def wait_for(self, count):
        wait_until(lambda: len(self.requests) >= count,
                   f"{count} requests; there are {self.paths()}", 30)
        return self.requests


class Mail:
    def __init__(self, session, envelope, at_once):
        # Without TLS, a server for TLS at once understands nothing.
        self.encrypted = at_once or session.ssl is not None
        self.user = session.auth_data
        self.sender = envelope.mail_from
        self.receivers = envelope.rcpt_tos
        self.text = envelope.content


class MailServer:
    """An SMTP server with a login, for `starttls` or for TLS at once."""

    def __init__(self, folder, at_once=False):
        self.mails = []
        self.at_once = at_once
        self.ca_file = str(folder / "ca.pem")
        key = str(folder / "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext",
             "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key,
             "-out", self.ca_file], check=True, capture_output=True,
            timeout=60)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        tls = {"ssl_context": context} if at_once else {
            "tls_context": context, "require_starttls": True}
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self._free_port(),
            authenticator=self._login, auth_required=True,
            auth_require_tls=not at_once, **tls)

    @staticmethod
    def _free_port():
        with HttpReceiver() as other:  # closed again, so that it is free
            return other.port

    @staticmethod
    def _login(server, session, envelope, mechanism, data):
        good = data.login == b"user" and data.password == b"geheim"
        return AuthResult(success=good, auth_data=data.login)

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(Mail(session, envelope, self.at_once))
        return "250 taken"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, kind, error, trace):
        self.controller.stop()
        return False

    def settings(self, **more):
        return {"BACKUP_EMAIL_NOTIFY": "true",
                "BACKUP_EMAIL_TO": "a@x.test", "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": self.controller.port, "SMTP_USER": "user",
                "SMTP_PASSWORD": "geheim", "SMTP_FROM": "keep@x.test",
                "SMTP_CA_FILE": self.ca_file, **more}

    def wait_for(self, count):
        wait_until(lambda: len(self.mails) >= count, f"{count} mails", 30)
        return self.mails
