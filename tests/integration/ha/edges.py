"""An edge as rendered, in front of two API hosts that do what a test tells them."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ha import certificates, secrets
from ha.identity import Identity
from ha.render import render
from ha.topology import Topology, load, rebased

# Loopback addresses of our own, so that the two API hosts can share a port.
SUBNET = "127.79.0.0/24"


@dataclass
class Seen:
    """
    What reached an API host; `deaths_left` is how many requests it will die of first: the edge gets
    no answer then, or a 502 if a HAProxy `survives` beside the API.

    `principals` is what it says of the callers it knows, by their Authorization. With its database
    away it knows nobody. It holds its answers back until it `may_answer`.
    """

    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    deaths_left: int = 0
    survives: bool = False
    principals: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    may_answer: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


class ApiHost(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: Seen

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/live":
            self.answer(200, b"alive")
            return
        with self.seen.lock:
            named = {
                name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers
            }
            self.seen.requests.append((self.command, self.path, named))
            dies = self.seen.deaths_left > 0
            self.seen.deaths_left -= dies
        self.seen.may_answer.wait()
        if dies and self.seen.survives:
            self.answer(502, b"<html>No valid response</html>")
            return
        if dies:
            self.close_connection = True
            return
        self.answer(self.status(), b"done")

    do_POST = do_GET  # noqa: N815  http.server's name for it

    def status(self) -> int:
        if self.seen.is_away:
            return 503
        sent = self.headers.get("Authorization")
        return 200 if sent is None or sent in self.seen.principals else 401

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        told = self.seen.principals.get(self.headers.get("Authorization", ""))
        if told and not self.seen.is_away:
            self.send_header("Evergrid-Principal", told)
        if self.path == "/docs":
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@dataclass(frozen=True)
class Edge:
    """A running edge: where to reach it, by which files it is known, what its API hosts saw."""

    topology: Topology
    seen: Seen
    folder: Path

    def connected(self, timeout_s: float = 20) -> http.client.HTTPSConnection:
        """Return a connection that is opened with its first request."""
        return http.client.HTTPSConnection(
            self.topology.host("lb1").address,
            self.topology.ports.edge_https,
            timeout=timeout_s,
            context=trusting(self.folder),
        )

    def ask(
        self, method: str, path: str, *, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connected()
        try:
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def until(condition: Callable[[], bool], *, within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("", 0))
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def configured(
    folder: Path, topology: Topology | None = None, changes: Mapping[str, str] | None = None
) -> Topology:
    """
    Write the edge's files into `folder`, changed to live there; return its topology.

    `changes` are made to the text too, for what would take too long as it is.
    """
    topology = rebased(topology or load(), name="edge", subnet=SUBNET)
    plain, secure, stats, api = free_ports(4)
    ports = replace(topology.ports, edge_http=plain, edge_https=secure, edge_stats=stats, api=api)
    topology = replace(topology, ports=ports)
    files = render(topology, secrets.generate(), release="/")
    for name in ("haproxy.cfg", "edge.sh"):
        text = files[f"lb1/{name}"].replace("/run/evergrid/haproxy", str(folder))
        for was, becomes in (changes or {}).items() if name == "haproxy.cfg" else ():
            assert was in text
            text = text.replace(was, becomes)
        (folder / name).write_text(text.replace("/etc/evergrid", str(folder)), encoding="utf-8")
    signed = certificates.issue(topology)
    for host in topology.hosts:
        home = folder if host.name == "lb1" else folder / host.name
        home.mkdir(exist_ok=True)
        for name, text in certificates.of(signed, host.name).items():
            (home / name).write_text(text, encoding="ascii")
    return topology


def trusting(folder: Path) -> ssl.SSLContext:
    """Return what a client of the edge knows it by."""
    return ssl.create_default_context(cafile=folder / certificates.AUTHORITY_FILE)


def answers(topology: Topology) -> bool:
    try:
        address = (topology.host("lb1").address, topology.ports.edge_stats)
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    folder: Path, topology: Topology | None = None, changes: Mapping[str, str] | None = None
) -> Iterator[tuple[Topology, int]]:
    """Run the edge as its supervisor does; yield where it is, with its pid."""
    placed = configured(folder, topology, changes)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["bash", str(folder / "edge.sh")], stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: answers(placed))
            yield placed, process.pid
        finally:
            process.kill()


@contextmanager
def serving(topology: Topology, folder: Path) -> Iterator[Edge]:
    """Run the API hosts behind a running edge."""
    seen = Seen()
    seen.may_answer.set()
    handler = type("Handler", (ApiHost,), {"seen": seen})
    servers = []
    for host in topology.with_role("app"):
        server = ThreadingHTTPServer((host.address, topology.ports.api), handler)
        context = Identity(folder / host.name).serving()
        # The handler's thread meets its caller, with its first read.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        servers.append(server)
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    found = Edge(topology, seen, folder)
    try:
        until(lambda: found.ask("GET", "/v1/prices")[0] == 200)
        seen.requests.clear()
        yield found
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Return status and code of a problem, whole in every part."""
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    told = json.loads(body)
    assert told.keys() == {"type", "title", "status", "code", "detail", "hint", "request_id"}
    assert (told["status"], told["request_id"]) == (status, headers["x-request-id"])
    return status, told["code"]
