"""What the kernel knows of how far away the database's servers are."""

from __future__ import annotations

import socket
import time

import pytest

from service.store import round_trips
from service.store.round_trips import Servers


@pytest.fixture
def port():
    """A server beside us, with a connection that a few packets went over."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as taken,
    ):
        for _ in range(3):
            for sends, receives in ((client, taken), (taken, client)):
                sends.send(b"x")
                receives.recv(1)
        yield server.getsockname()[1]


def test_a_server_beside_us_is_near(port):
    [(address, round_trip_s)] = round_trips._round_trips(port)
    assert address[:4] == socket.inet_aton("127.0.0.1")
    assert 0 < round_trip_s < round_trips.FAR_S
    assert not Servers(port).are_far()


def test_a_connection_that_fell_silent_is_not_asked(port, monkeypatch):
    monkeypatch.setattr(round_trips, "_RECENT_MS", 20)
    time.sleep(0.1)
    assert list(round_trips._round_trips(port)) == []


@pytest.mark.parametrize(
    ("seen_s", "is_far"),
    [
        ([("near", 0.02), ("near", 0.03), ("near", 0.2)], False),
        ([("near", 0.02), ("near", 0.2)], False),
        ([("near", 0.02), ("far", 0.2), ("far", 0.2), ("far", 0.01)], True),
        ([], False),
    ],
)
def test_of_several_connections_to_a_server_most_tell(monkeypatch, seen_s, is_far):
    seen = [(server.encode(), round_trip_s) for server, round_trip_s in seen_s]
    monkeypatch.setattr(round_trips, "_round_trips", lambda _: iter(seen))
    assert Servers(5432).are_far() == is_far


def test_where_nothing_is_connected_nothing_is_far(port):
    assert list(round_trips._round_trips(port - 1 or 2)) == []
    assert not Servers(port - 1 or 2).are_far()


def test_a_kernel_that_does_not_say_makes_no_server_far(monkeypatch):
    def refuse(*_):
        raise PermissionError("not for you")

    monkeypatch.setattr(round_trips.socket, "socket", refuse)
    assert not Servers(5432).are_far()


def test_a_kernel_that_refuses_is_not_taken_for_one_that_knows_no_connection(monkeypatch):
    """The end of its answer carries the error: a kernel without this knowledge says -2."""
    end = round_trips._HEADER.pack(20, round_trips._NLMSG_DONE, 2, 1, 0) + (-2).to_bytes(
        4, "little", signed=True
    )
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        theirs.send(end)
        monkeypatch.setattr(round_trips.socket, "socket", lambda *_: ours)
        with pytest.raises(FileNotFoundError):
            list(round_trips._round_trips(5432))


def test_the_kernel_is_asked_once_a_second(monkeypatch):
    asked = []
    monkeypatch.setattr(round_trips, "_round_trips", lambda port: iter(asked.append(port) or []))
    servers = Servers(5432)
    for _ in range(3):
        servers.are_far()
    assert asked == [5432]
    monkeypatch.setattr(round_trips, "_ASKED_S", 0.0)
    servers.are_far()
    assert len(asked) == 2
