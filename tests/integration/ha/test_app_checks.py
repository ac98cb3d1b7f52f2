"""What an app host makes of what wardens say, of one that says nothing, by a real HAProxy."""

from __future__ import annotations

import http.client
import os
import re
import socket
import socketserver
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
# Where clients of the primary knock, and what answers there in place of PostgreSQL.
_PRIMARY = ("127.83.2.1", 6432)
_POSTGRES = 5432

Ask = Callable[[str], tuple[int, str]]


class Warden(BaseHTTPRequestHandler):
    """Says who was asked what; the proxy's own encryption is not the matter here."""

    server: Server

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = f"{self.server.server_address[0]} {self.path}".encode()
        self.send_response(self.server.status if self.path == "/primary" else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """
    Counts its callers' connections, all of which end with it.

    `status` is what it answers when it is asked if it is a primary.
    """

    status = 200

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
    proxies = text[text.index("listen warden_db1") : text.index("listen replica")]
    proxies = re.sub(r" (ssl verify required|ca-file \S+|crt \S+|verifyhost \S+)", "", proxies)
    proxies = proxies.replace("127.0.1.", _DOORS).replace("10.77.0.3", _WARDENS)
    proxies = re.sub(r"bind 127\.0\.0\.1:\d+", "bind {}:{}".format(*_PRIMARY), proxies)
    file = tmp_path / "haproxy.cfg"
    servers = re.search(r"default-server .*on-marked-down.*", text)
    assert servers, "what goes for the servers of all proxies"
    settings = "timeout client 5s", "timeout check 500ms", "retries 0", servers[0]
    rest = "defaults\n" + "".join(f"    {setting}\n" for setting in settings)
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


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    def handle(self) -> None:
        while said := self.request.recv(100):
            self.request.sendall(said)


@pytest.fixture
def server() -> Iterator[None]:
    """Something behind the first warden that clients can talk to."""
    echo = socketserver.ThreadingTCPServer((f"{_WARDENS}1", _POSTGRES), Echo)
    echo.daemon_threads = True
    thread = threading.Thread(target=echo.serve_forever, args=(0.02,))
    thread.start()
    yield
    echo.shutdown()
    thread.join()
    echo.server_close()


def is_answered(connection: socket.socket) -> bool:
    """Tell if somebody is at the other end."""
    try:
        connection.sendall(b"there?")
        return bool(connection.recv(100))
    except OSError:
        return False


def is_let_in() -> bool:
    try:
        with socket.create_connection(_PRIMARY, timeout=5) as connection:
            return is_answered(connection)
    except OSError:
        return False


def becomes(what: Callable[[], bool], *, expected: bool) -> bool:
    """Tell if it is as expected before long."""
    until_s = time.monotonic() + 10
    while what() is not expected:
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.usefixtures("ask", "server")
def test_a_primary_that_says_it_ends_gets_nobody_more_but_whoever_is_there_may_finish():
    with speaking(1) as warden, speaking(2) as second, speaking(3) as third:
        second.status = third.status = 503
        # The others count until each has been asked.
        assert becomes(lambda: all(is_let_in() for _ in range(6)), expected=True)
        with socket.create_connection(_PRIMARY, timeout=5) as before:
            assert is_answered(before)
            warden.status = 404
            assert becomes(is_let_in, expected=False)
            assert is_answered(before)
            warden.status = 503
            assert becomes(lambda: is_answered(before), expected=False)
