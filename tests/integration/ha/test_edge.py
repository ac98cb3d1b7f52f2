"""The edge as rendered, in front of two API hosts that fail on request."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ha import secrets
from ha.render import render
from ha.topology import Topology, load, rebased

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")

# Loopback addresses of our own, so that the two API hosts can share a port.
SUBNET = "127.79.0.0/24"


@dataclass
class Seen:
    """What reached an API host; `deaths_left` is how many requests it will die of first."""

    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    deaths_left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class ApiHost(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: Seen

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/live":
            self.answer(b"alive")
            return
        with self.seen.lock:
            named = {
                name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers
            }
            self.seen.requests.append((self.command, self.path, named))
            dies = self.seen.deaths_left > 0
            self.seen.deaths_left -= dies
        if dies:
            self.close_connection = True
            return
        self.answer(b"done")

    do_POST = do_GET  # noqa: N815  http.server's name for it

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@dataclass(frozen=True)
class Edge:
    """A running edge: where to reach it, what its API hosts saw."""

    topology: Topology
    seen: Seen

    def ask(
        self, method: str, path: str, *, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        address = self.topology.host("lb1").address
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(address, self.topology.ports.edge_http, timeout=20)
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


def configured(folder: Path) -> Topology:
    """Write the edge's files into `folder`, changed to live there; return its topology."""
    topology = rebased(load(), name="edge", subnet=SUBNET)
    http_port, stats, api = free_ports(3)
    ports = replace(topology.ports, edge_http=http_port, edge_stats=stats, api=api)
    topology = replace(topology, ports=ports)
    files = render(topology, secrets.generate(), release="/")
    for name in ("haproxy.cfg", "edge.sh"):
        text = files[f"lb1/{name}"].replace("/run/evergrid/haproxy", str(folder))
        (folder / name).write_text(text.replace("/etc/evergrid", str(folder)), encoding="utf-8")
    return topology


def answers(topology: Topology) -> bool:
    try:
        address = (topology.host("lb1").address, topology.ports.edge_stats)
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Topology, int]]:
    """Run the edge as its supervisor does; yield where it is, with its pid."""
    topology = configured(tmp_path)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(["bash", str(tmp_path / "edge.sh")], stdout=log, stderr=log) as process,
    ):
        until(lambda: answers(topology))
        yield topology, process.pid
        process.kill()


@pytest.fixture
def edge(started: tuple[Topology, int]) -> Iterator[Edge]:
    topology, _ = started
    seen = Seen()
    handler = type("Handler", (ApiHost,), {"seen": seen})
    where = [(host.address, topology.ports.api) for host in topology.with_role("app")]
    servers = [ThreadingHTTPServer(address, handler) for address in where]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    found = Edge(topology, seen)
    until(lambda: found.ask("GET", "/v1/prices")[0] == 200)
    seen.requests.clear()
    yield found
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


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "/metrics?a=1", "//metrics", "/%6detrics", "/METRICS", "/metrics/x"],
)
def test_metrics_are_not_for_clients_however_the_path_is_spelt(edge, path):
    assert problem(edge.ask("GET", path)) == (404, "NO_SUCH_RESOURCE")
    assert edge.seen.requests == []


def test_a_path_that_only_begins_alike_is_passed_on(edge):
    assert edge.ask("GET", "/metrics-of-mine")[0] == 200


def test_a_body_of_50_megabytes_is_refused_before_it_reaches_the_api(edge):
    """Only its head is sent: who promises 50 MB need not send them to be told."""
    answer = edge.ask("POST", "/v1/account-imports", Content_Length="50000000")
    assert problem(answer) == (413, "BODY_TOO_LARGE")
    assert edge.seen.requests == []


def test_what_a_client_says_of_its_own_address_is_not_believed(edge):
    edge.ask("GET", "/v1/prices", X_Forwarded_For="8.8.8.8")
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-forwarded-for"] == "127.0.0.1"


def test_a_plain_request_id_goes_through_to_the_api_and_back(edge):
    _, answered, _ = edge.ask("GET", "/v1/prices", X_Request_Id="hall-7.42_b")
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-request-id"] == answered["x-request-id"] == "hall-7.42_b"


@pytest.mark.parametrize("given", ['a"b', "x" * 65, "", "two words"])
def test_a_request_id_that_could_break_a_log_is_replaced(edge, given):
    _, answered, _ = edge.ask("GET", "/v1/prices", X_Request_Id=given)
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-request-id"] == answered["x-request-id"] != given


@pytest.mark.parametrize(("method", "key"), [("GET", {}), ("POST", {"Idempotency_Key": "k-1"})])
def test_a_request_that_is_safe_to_repeat_survives_an_api_process_that_dies(edge, method, key):
    edge.seen.deaths_left = 1
    status, _, body = edge.ask(method, "/v1/payments", body=b"{}" if key else b"", **key)
    assert (status, body) == (200, b"done")
    assert len(edge.seen.requests) == 2


def test_the_api_is_told_since_when_a_client_waits_also_by_a_repetition(edge):
    edge.seen.deaths_left = 1
    began_ms = time.time() * 1000
    edge.ask("GET", "/v1/prices", X_Request_Start="1")
    starts = [int(headers["x-request-start"]) for _, _, headers in edge.seen.requests]
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert began_ms - 1 <= starts[0] <= time.time() * 1000


def test_a_write_without_a_key_is_not_repeated(edge):
    edge.seen.deaths_left = 1
    assert problem(edge.ask("POST", "/v1/payments", body=b"{}")) == (502, "ANSWER_LOST")
    assert len(edge.seen.requests) == 1


def test_without_any_api_host_a_client_is_told_when_to_come_again(started):
    topology, _ = started
    answer = Edge(topology, Seen()).ask("GET", "/v1/prices")
    assert problem(answer) == (503, "API_UNREACHABLE")
    assert answer[1]["retry-after"] == "1"


def tell(pid: int, how: int, effect: Callable[[], bool]) -> None:
    """
    Signal HAProxy until it has taken effect.

    In its first second a master of version 2.6 may sleep through a signal; each try gets two.
    """
    for _ in range(3):
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        with suppress(AssertionError):
            until(effect, within_s=2)
            return
    assert effect(), f"{signal.Signals(how).name} has no effect"


def workers(pid: int) -> list[int]:
    """Return the running processes that HAProxy's master has started."""
    argv = ["pgrep", "--parent", str(pid), "--runstates", "RSD", "--exact", "haproxy"]
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


@pytest.mark.parametrize(
    ("kill", "how"),
    [
        (lambda master: master, signal.SIGKILL),
        (lambda master: workers(master)[0], signal.SIGKILL),
        (lambda master: master, signal.SIGTERM),
        (lambda master: master, signal.SIGUSR1),
    ],
    ids=["master killed", "worker killed", "stopped", "stopped softly"],
)
def test_however_the_edge_ends_keepalived_is_told_to_let_go(started, tmp_path, kill, how):
    """Source: keepalived.conf(5), track_file: -254 is FAULT, whatever the priority."""
    topology, pid = started
    state = tmp_path / "state"
    assert state.read_text(encoding="utf-8").strip() == "0"
    tell(kill(pid), how, lambda: state.read_text(encoding="utf-8").strip() == "-254")
    assert not answers(topology)


def test_a_reload_of_the_edge_keeps_the_address(started, tmp_path):
    topology, pid = started
    old = workers(pid)
    tell(pid, signal.SIGUSR2, lambda: bool(workers(pid)) and not set(old) & set(workers(pid)))
    assert (tmp_path / "state").read_text(encoding="utf-8").strip() == "0"
    assert answers(topology)
