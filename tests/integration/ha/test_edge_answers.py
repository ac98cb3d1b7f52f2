"""Requests too large or too slow for the edge; what browsers are told in every answer."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from edges import Edge, Seen, problem, running, serving  # tests are no package

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")

CLOSED = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with running(tmp_path) as (topology, _), serving(topology) as found:
        yield found


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Edge]:
    """An edge that waits a second for a request instead of ten."""
    second = {"timeout http-request 10s": "timeout http-request 1s"}
    with running(tmp_path, changes=second) as (topology, _), serving(topology) as found:
        yield found


def trickled(edge: Edge, head: bytes, rest: bytes) -> bytes:
    """Send `head`, then a byte of `rest` every 100 ms; return what was answered by then."""
    where = (edge.topology.host("lb1").address, edge.topology.ports.edge_http)
    with socket.create_connection(where, timeout=0.1) as client:
        client.sendall(head)
        for byte in rest:
            try:
                client.sendall(bytes([byte]))
                return client.recv(65536)
            except TimeoutError:
                continue
    return b""


def test_a_uri_of_4001_bytes_is_refused_one_of_4000_is_not(edge):
    path = "/v1/accounts?name=" + "x" * (4000 - 18)
    assert edge.ask("GET", path)[0] == 200
    assert problem(edge.ask("GET", path + "x")) == (414, "URI_TOO_LONG")
    assert len(edge.seen.requests) == 1


def test_headers_of_more_than_8000_bytes_are_refused(edge):
    assert edge.ask("GET", "/v1/accounts/1", Cookie="c" * 7800)[0] == 200
    refused = edge.ask("GET", "/v1/accounts/1", Cookie="c" * 8000)
    assert problem(refused) == (431, "HEADERS_TOO_LARGE")
    assert len(edge.seen.requests) == 1


def test_more_than_64_headers_are_refused(edge):
    many = {f"X_{number}": "1" for number in range(60)}
    assert edge.ask("GET", "/v1/accounts/1", **many)[0] == 200
    many |= {f"Y_{number}": "1" for number in range(5)}
    assert problem(edge.ask("GET", "/v1/accounts/1", **many)) == (431, "HEADERS_TOO_LARGE")


def test_a_head_beyond_any_buffer_is_refused_in_the_words_of_haproxy(edge):
    status, headers, _ = edge.ask("GET", "/v1/accounts/1", Cookie="c" * 16_000)
    assert (status, headers["content-type"]) == (400, "text/html")
    assert edge.seen.requests == []


def test_a_body_that_trickles_is_not_waited_for(hurried):
    head = b"POST /v1/payments HTTP/1.1\r\nHost: edge\r\nContent-Length: 1000\r\n\r\n"
    began_s = time.monotonic()
    found = trickled(hurried, head, b"{" * 200)
    assert time.monotonic() - began_s < 10
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in found
    assert b'"code": "REQUEST_INCOMPLETE"' in found
    assert hurried.seen.requests == []


def test_headers_that_trickle_are_not_waited_for(hurried):
    """HAProxy 2.6 answers in its own words what is not HTTP yet."""
    began_s = time.monotonic()
    found = trickled(hurried, b"GET /v1/prices HTTP/1.1\r\nX: ", b"a" * 200)
    assert time.monotonic() - began_s < 10
    assert found.startswith(b"HTTP/1.1 408 ")


def test_every_answer_tells_browsers_what_not_to_do_with_it(edge):
    for path in ("/v1/accounts/1", "/metrics", "/v1/accounts?name=" + "x" * 4000):
        _, headers, _ = edge.ask("GET", path)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == CLOSED
        assert "server" not in headers
        assert "strict-transport-security" not in headers


def test_an_edge_without_api_hosts_says_the_same(tmp_path):
    with running(tmp_path) as (topology, _):
        status, headers, _ = Edge(topology, Seen()).ask("GET", "/v1/prices")
    assert status == 503
    assert headers["content-security-policy"] == CLOSED
    assert headers["cache-control"] == "no-store"


def test_the_documentation_keeps_the_policy_that_shows_its_style(edge):
    _, headers, _ = edge.ask("GET", "/docs")
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'self'"


def test_over_tls_browsers_are_told_to_stay_there(tmp_path):
    key = tmp_path / "edge.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    argv += ["-nodes", "-subj", "/CN=edge", "-days", "1", "-keyout", key, "-out", key]
    subprocess.run(argv, check=True, capture_output=True)
    with running(tmp_path, changes={"tcp-ut 30s": f"tcp-ut 30s ssl crt {key}"}) as (topology, _):
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        host, port = topology.host("lb1").address, topology.ports.edge_http
        connection = http.client.HTTPSConnection(host, port, timeout=20, context=trusting)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        answer.read()
        connection.close()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
