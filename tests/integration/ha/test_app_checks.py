"""What an app host is told of a database host whose warden says nothing, by a real HAProxy."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ha.regenerate import rendered

# Loopback addresses of our own: of the wardens, and of what asks them.
_WARDENS, _DOORS, _PORT = "127.83.0.3", "127.83.1.", 8009
_ASKED = "/primary", "/replica?lag=16MB"

Ask = Callable[[str], tuple[int, str]]


class Warden(BaseHTTPRequestHandler):
    """Says who was asked what; the proxy's own encryption is not the matter here."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = f"{self.server.server_address[0]} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Counts its callers' connections, all of which end with it."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Warden)
        self.callers: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.callers.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        super().server_close()
        for caller in self.callers:
            with suppress(OSError):  # it may have ended by itself
                caller.shutdown(socket.SHUT_RDWR)


@contextmanager
def speaking(number: int) -> Iterator[Server]:
    """Let the warden of a database host answer."""
    server = Server((f"{_WARDENS}{number}", _PORT))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """The proxies to the wardens as rendered, but in plain text, without the rest of the host."""
    text = rendered()["app1/haproxy.cfg"]
    proxies = text[text.index("listen warden_db1") : text.index("listen primary")]
    proxies = re.sub(r" (ssl verify required|ca-file \S+|crt \S+|verifyhost \S+)", "", proxies)
    proxies = proxies.replace("127.0.1.", _DOORS).replace("10.77.0.3", _WARDENS)
    file = tmp_path / "haproxy.cfg"
    rest = "defaults\n    timeout client 5s\n    timeout check 500ms\n    retries 0\n"
    file.write_text(rest + proxies, encoding="ascii")

    def asked(path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(f"{_DOORS}1", _PORT, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    with subprocess.Popen(["haproxy", "-db", "-f", file], stderr=subprocess.DEVNULL) as haproxy:
        try:
            yield asked
        finally:
            haproxy.kill()


def settled(ask: Ask, path: str, expected: tuple[int, str]) -> tuple[int, str]:
    """Return the answer as soon as it is the expected one, or what it still is after a while."""
    until_s = time.monotonic() + 10
    answer = (0, "")
    while answer != expected and time.monotonic() < until_s:
        time.sleep(0.05)
        try:
            answer = ask(path)
        except OSError:
            continue  # it has not begun to listen
    return answer


def test_a_warden_that_speaks_is_asked_itself(ask):
    with speaking(1), speaking(2), speaking(3):
        for path in _ASKED:
            expected = (200, f"{_WARDENS}1 {path}")
            assert settled(ask, path, expected) == expected


def test_of_one_that_is_silent_another_says_if_it_leads_and_nobody_if_it_is_a_replica(ask):
    with speaking(2), speaking(3):
        expected = (200, f"{_WARDENS}2 /leads?host=db1")
        assert settled(ask, "/primary", expected) == expected
        assert ask("/replica?lag=16MB")[0] == 503, "another's word about itself"


def test_where_the_first_witness_is_silent_too_the_next_is_asked(ask):
    with speaking(3):
        expected = (200, f"{_WARDENS}3 /leads?host=db1")
        assert settled(ask, "/primary", expected) == expected


def test_checks_keep_their_connections(ask):
    with speaking(1) as first, speaking(2), speaking(3):
        expected = (200, f"{_WARDENS}1 /primary")
        assert settled(ask, "/primary", expected) == expected
        opened = len(first.callers)
        for _ in range(60):
            time.sleep(0.05)
            assert ask("/primary") == expected
        # Six checks of its own came in between; each thread of the proxy may open one for itself.
        assert len(first.callers) <= opened + (os.cpu_count() or 1)


def test_a_warden_that_speaks_again_is_asked_again(ask):
    for path in _ASKED:
        itself = (200, f"{_WARDENS}1 {path}")
        with speaking(2), speaking(3):
            with speaking(1):
                assert settled(ask, path, itself) == itself
            witness = (200, f"{_WARDENS}2 /leads?host=db1")
            assert settled(ask, "/primary", witness) == witness
            with speaking(1):
                assert settled(ask, path, itself) == itself
