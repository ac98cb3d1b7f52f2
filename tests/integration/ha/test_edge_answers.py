"""Requests too large or too slow for the edge; what browsers are told in every answer."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ha import certificates

sys.path.insert(0, str(Path(__file__).parent))
from edges import Edge, Seen, problem, running, serving, trusting  # tests are no package

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")

CLOSED = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with running(tmp_path) as (topology, _), serving(topology, tmp_path) as found:
        yield found


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Edge]:
    """An edge that waits a second for a request instead of ten."""
    second = {"timeout http-request 10s": "timeout http-request 1s"}
    with running(tmp_path, changes=second) as (topology, _), serving(topology, tmp_path) as found:
        yield found


def trickled(edge: Edge, head: bytes, rest: bytes) -> bytes:
    """Send `head`, then a byte of `rest` every 100 ms; return what was answered by then."""
    where = (edge.topology.host("lb1").address, edge.topology.ports.edge_https)
    with (
        socket.create_connection(where, timeout=5) as plain,
        trusting(edge.folder).wrap_socket(plain, server_hostname=where[0]) as client,
    ):
        client.settimeout(0.1)
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
        assert headers["strict-transport-security"] == "max-age=31536000"


def test_an_edge_without_api_hosts_says_the_same(tmp_path):
    with running(tmp_path) as (topology, _):
        status, headers, _ = Edge(topology, Seen(), tmp_path).ask("GET", "/v1/prices")
    assert status == 503
    assert headers["content-security-policy"] == CLOSED
    assert headers["cache-control"] == "no-store"


def test_the_documentation_keeps_the_policy_that_shows_its_style(edge):
    _, headers, _ = edge.ask("GET", "/docs")
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'self'"


@contextmanager
def in_the_open(edge: Edge, method: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """Ask without TLS."""
    where = (edge.topology.host("lb1").address, edge.topology.ports.edge_http)
    with closing(http.client.HTTPConnection(*where, timeout=20)) as asked:
        asked.request(method, "/v1/prices?a=1", headers={"Host": "evergrid.example", **headers})
        with asked.getresponse() as answer:
            yield answer


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_without_tls_is_led_to_where_there_is_some(edge, method):
    with in_the_open(edge, method) as answer:
        told = answer.status, answer.headers["Location"]
    assert told == (308, "https://evergrid.example/v1/prices?a=1")


@pytest.mark.parametrize(
    ("method", "headers"), [("POST", {}), ("GET", {"Authorization": "Bearer x"})]
)
def test_a_program_that_speaks_in_the_open_is_told_so(edge, method, headers):
    with in_the_open(edge, method, **headers) as answer:
        told = dict(answer.getheaders()), answer.read()
    named = {name.lower(): value for name, value in told[0].items()}
    assert problem((answer.status, named, told[1])) == (403, "NOT_OVER_TLS")
    assert named["connection"] == "close"
    assert edge.seen.requests == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_a_version_of_tls_that_was_broken_is_not_spoken(edge, version):
    context = trusting(edge.folder)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = context.maximum_version = version
    where = (edge.topology.host("lb1").address, edge.topology.ports.edge_https)
    with (
        socket.create_connection(where, timeout=5) as plain,
        pytest.raises(ssl.SSLError, match="alert protocol version"),  # the edge's own words
    ):
        context.wrap_socket(plain, server_hostname=where[0])


def test_an_api_host_that_cannot_prove_itself_is_not_asked(tmp_path):
    """Another data centre's, say, that has got an address of ours."""
    with running(tmp_path) as (topology, _):
        stranger = certificates.issue(topology)
        for host in ("app1", "app2"):
            for name, text in certificates.of(stranger, host).items():
                if name != certificates.AUTHORITY_FILE:
                    (tmp_path / host / name).write_text(text, encoding="ascii")
        with pytest.raises(AssertionError, match="not in time"), serving(topology, tmp_path):
            pytest.fail("it was asked")
