"""The server: tells whoever asks what the warden knows."""

from __future__ import annotations

import hmac
import json
import os
import re
import socket
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ha.identity import Identity
from ha.rest import credentials
from ha.warden import patience
from ha.warden.answers import Answer

# A client that says nothing holds a thread this long.
_TIMEOUT_S = 2.0
# The first descriptor that systemd passes (sd_listen_fds(3)); supervisor passes the socket as 0.
_SYSTEMD_FIRST = 3
_LAG = re.compile(r"(\d+)\s*(B|kB|MB|GB)?")
_UNITS = {None: 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_LAG_DEFAULT = "16MB"


class CannotNow(Exception):
    """What was asked for cannot be done now; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What can be asked: each is called when it is, from a thread of its own."""

    primary: Callable[[float], Answer]
    replica: Callable[[int], Answer]
    word: Callable[[], Answer]
    leads: Callable[[str], Answer]
    outvoted: Callable[[str], Answer]
    status: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], bytes]
    acts: Mapping[str, Callable[[], Mapping[str, Any]]]


class Server(ThreadingHTTPServer):
    """
    HTTPS on the socket that the supervisor holds, so that it outlives a warden that is killed.

    Whoever connects meanwhile waits for the next warden instead of being refused.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], offers: Offers, *, password: str, identity: Identity
    ) -> None:
        self.offers = offers
        self.identity = identity
        identity.serving()  # no certificate, no warden: better said now than to every caller
        self.credentials = credentials(password)
        inherited = _inherited()
        super().__init__(address, _Handler, bind_and_activate=inherited is None)
        if inherited is not None:
            self.socket.close()
            self.socket = inherited

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Let the caller prove itself, then answer: in its own thread, however long it takes."""
        request.settimeout(_TIMEOUT_S)
        with self.identity.serving().wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Pass over a caller that left early or proved nothing; all else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """
    One request: GET /live, /primary, /replica?lag=, /leads?host=, /word, /outvoted?host=, /status,
    /metrics; POST what changes.

    A load balancer that says it sends nothing here (HAProxy's `http-check send-state`) is answered
    /primary when that is a yes, or a moment later: it learns of a new primary at once.
    """

    server: Server
    timeout = _TIMEOUT_S
    # Whoever asks often keeps its connection: a handshake costs more than the rest of an answer.
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: a second would wait until the first is acknowledged

    def do_GET(self) -> None:
        """Answer from memory."""
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body, which is not read, is no next request
        asked, offers = urlsplit(self.path), self.server.offers
        question = {name: values[0] for name, values in parse_qs(asked.query).items()}
        host = question.get("host", "")
        judged: dict[str, Callable[[], Answer]] = {
            "/primary": lambda: offers.primary(self._patience_s()),
            "/replica": lambda: offers.replica(_lag_bytes(question.get("lag", ""))),
            "/leads": lambda: offers.leads(host),
            "/outvoted": lambda: offers.outvoted(host),
            "/word": offers.word,
        }
        if asked.path in judged:
            self._judged(judged[asked.path]())
        elif asked.path == "/live":
            self._answer(200, {"alive": True})
        elif asked.path == "/status":
            self._answer(200, offers.status())
        elif asked.path == "/metrics":
            self._send(200, offers.metrics(), "text/plain; version=0.0.4")
        else:
            self._answer(404, {"why": "no such thing"})

    def do_POST(self) -> None:
        """Do something, for whoever knows the password."""
        self.close_connection = True  # what it sends beside the request is not read
        sent = self.headers.get("Authorization", "")
        act = self.server.offers.acts.get(self.path)
        if not hmac.compare_digest(sent.encode(), self.server.credentials.encode()):
            self._answer(401, {"why": "the password is needed"})
        elif act is None:
            self._answer(404, {"why": "no such thing"})
        else:
            try:
                self._answer(200, act())
            except CannotNow as refusal:
                self._answer(503, {"why": str(refusal)})

    def log_message(self, *_: object) -> None:
        """Say nothing: load balancers ask several times a second."""

    def _patience_s(self) -> float:
        is_down = self.headers.get("X-Haproxy-Server-State", "").startswith("DOWN")
        return patience.HELD_S if is_down else 0.0

    def _judged(self, answer: Answer) -> None:
        refusal = 404 if answer.is_final else 503  # HAProxy's `disable-on-404`
        self._answer(200 if answer.is_yes else refusal, {"why": answer.why})

    def _answer(self, status: int, body: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(body).encode() + b"\n", "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _lag_bytes(text: str) -> int:
    """Return the bytes that "1MB" means (PostgreSQL's units); an unreadable lag is the default."""
    found = _LAG.fullmatch(text) or _LAG.fullmatch(_LAG_DEFAULT)
    assert found, "the default is readable"
    return int(found[1]) * _UNITS[found[2]]


def _inherited() -> socket.socket | None:
    """Return the listening socket that was passed to this process, or None."""
    number = _SYSTEMD_FIRST if os.environ.get("LISTEN_PID") == str(os.getpid()) else 0
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return None
    found = socket.socket(fileno=os.dup(number))
    is_listening = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return found if is_listening else None
