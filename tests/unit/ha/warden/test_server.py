"""A warden answers those who show a certificate of its data centre, nobody else."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading

import pytest

from ha.rest import Rest, RestSilent, Staying
from ha.warden.answers import Answer
from ha.warden.server import Offers, Server
from tests.unit.ha.warden.links import ADDRESS, identities

PASSWORD = "let-me"


@pytest.fixture
def pair(tmp_path):
    """The identities of the warden's host and of its neighbour's."""
    return identities(tmp_path, "db1", "db2")


@pytest.fixture
def port(pair):
    """The port of a running warden's server."""
    offers = Offers(
        primary=lambda _: Answer(is_yes=True, why="it does"),
        replica=lambda _: Answer(is_yes=False, why="it is no replica"),
        word=lambda: Answer(is_yes=True, why="it keeps it"),
        leads=lambda host: Answer(is_yes=host == "db2", why=f"{host} was asked about"),
        outvoted=lambda _: Answer(is_yes=False, why="it ends", is_final=True),
        status=lambda: {"host": "db1"},
        metrics=lambda: b"a 1\n",
        acts={"/checkpoint": lambda: {"took_s": 0.1}},
    )
    server = Server((ADDRESS, 0), offers, password=PASSWORD, identity=pair[0])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_neighbour_is_answered(port, pair):
    rest = Rest(ADDRESS, port, PASSWORD, identity=pair[1])
    assert rest.get("/primary", within_s=5) == (200, {"why": "it does"})
    assert rest.get("/replica?lag=1MB", within_s=5) == (503, {"why": "it is no replica"})
    assert rest.get("/leads?host=db2", within_s=5) == (200, {"why": "db2 was asked about"})
    assert rest.get("/leads", within_s=5)[0] == 503
    assert rest.get("/outvoted?host=db2", within_s=5) == (404, {"why": "it ends"})
    assert rest.post("/checkpoint", within_s=5) == (200, {"took_s": 0.1})


def test_who_asks_often_keeps_its_connection(port, pair):
    context = pair[1].calling()
    connection = http.client.HTTPSConnection(ADDRESS, port, timeout=5, context=context)
    connection.connect()
    kept = connection.sock
    for _ in range(3):
        connection.request("GET", "/primary")
        assert json.loads(connection.getresponse().read()) == {"why": "it does"}
        assert connection.sock is kept
    connection.close()


@pytest.fixture
def handshakes(monkeypatch):
    """How many connections were opened to a warden."""
    opened = []
    connect = http.client.HTTPSConnection.connect
    monkeypatch.setattr(
        http.client.HTTPSConnection, "connect", lambda self: (opened.append(self), connect(self))
    )
    return opened


def test_a_switchover_looks_for_the_new_primary_over_one_connection(port, pair, handshakes):
    rest = Staying(ADDRESS, port, PASSWORD, identity=pair[1])
    for _ in range(5):
        assert rest.get("/primary", within_s=5) == (200, {"why": "it does"})
    assert len(handshakes) == 1
    assert rest.post("/checkpoint", within_s=5) == (200, {"took_s": 0.1})
    assert rest.get("/primary", within_s=5)[0] == 200
    handshakes[-1].sock.shutdown(socket.SHUT_RDWR)
    assert rest.get("/primary", within_s=5)[0] == 200, "over another one"
    rest.post("/checkpoint", within_s=5)  # which leaves none behind


def test_what_is_sent_beside_an_order_is_no_request(port, pair):
    beside = b"GET /status HTTP/1.1\r\n\r\n"
    order = b"POST /checkpoint HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(beside)
    told = b""
    with (
        socket.create_connection((ADDRESS, port), timeout=5) as plain,
        pair[1].calling().wrap_socket(plain, server_hostname=ADDRESS) as secured,
    ):
        secured.sendall(order + beside)
        try:
            while part := secured.recv(4096):
                told += part
        except ConnectionError:
            pass  # what nobody read ends a connection the hard way
    assert b"db1" not in told


def test_a_neighbour_without_the_password_changes_nothing(port, pair):
    rest = Rest(ADDRESS, port, "another", identity=pair[1])
    assert rest.post("/checkpoint", within_s=5)[0] == 401


def test_who_shows_no_certificate_is_told_nothing(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(ADDRESS, port, timeout=5, context=context)
    # TLS 1.3: the caller learns only with its first read that it was not let in.
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        answered(connection)
    connection.close()


def answered(connection):
    connection.request("GET", "/status")
    return connection.getresponse().status


def test_who_shows_one_of_another_data_centre_is_told_nothing(port, tmp_path):
    (stranger,) = identities(tmp_path / "elsewhere", "db2")
    with pytest.raises(RestSilent):
        Rest(ADDRESS, port, PASSWORD, identity=stranger).get("/status", within_s=5)


def test_plain_text_is_answered_by_nothing(port):
    with socket.create_connection((ADDRESS, port), timeout=5) as plain:
        plain.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
    assert b"HTTP" not in answer
    assert b"db1" not in answer


def test_the_status_is_whole(port, pair):
    status, body = Rest(ADDRESS, port, PASSWORD, identity=pair[1]).get("/status", within_s=5)
    assert (status, json.dumps(body)) == (200, '{"host": "db1"}')
