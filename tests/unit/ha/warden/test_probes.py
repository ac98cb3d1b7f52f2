"""A probe hears as much of a host as answers, over a line that is kept while it is answered."""

from __future__ import annotations

import socket
from contextlib import contextmanager

import pytest

from ha.warden import probes
from ha.warden.probes import Heard
from tests.unit.ha.warden.links import ADDRESS, desk, identities, line_to


@pytest.fixture
def pair(tmp_path):
    """The identities of the warden's host and of its neighbour's."""
    return identities(tmp_path, "db1", "db2")


@pytest.fixture
def closed_port():
    with socket.create_server((ADDRESS, 0)) as listener:
        return listener.getsockname()[1]


def test_a_line_is_kept_while_it_is_answered(pair, closed_port):
    context = pair[1].calling()
    with desk(pair[0], answers=3) as warden, line_to(warden.port, closed_port) as line:
        assert [line.ask(context) for _ in range(3)] == [Heard.WARDEN] * 3
        assert warden.connections == 1


def test_a_line_that_was_closed_is_opened_anew(pair, closed_port):
    context = pair[1].calling()
    with desk(pair[0], answers=1) as warden, line_to(warden.port, closed_port) as line:
        assert line.ask(context) is Heard.WARDEN
        line.close()
        assert line.ask(context) is Heard.WARDEN
        assert warden.connections == 2


def test_a_warden_that_was_started_anew_is_heard_by_the_next_probe(pair, closed_port):
    context = pair[1].calling()
    with (
        desk(pair[0], answers=1, is_ending=True) as warden,
        line_to(warden.port, closed_port) as line,
    ):
        assert [line.ask(context) for _ in range(3)] == [Heard.WARDEN] * 3
        assert warden.connections == 3


def test_a_warden_that_says_no_more_is_a_kernel_which_took_the_question(pair):
    context = pair[1].calling()
    with (
        # Nobody answers at the other port: only the acknowledged question tells of the kernel.
        socket.create_server((ADDRESS, 0), backlog=0) as full,
        desk(pair[0], answers=1) as warden,
        line_to(warden.port, full.getsockname()[1]) as line,
        filled(full),
    ):
        assert line.ask(context) is Heard.WARDEN
        assert line.ask(context) is Heard.KERNEL


def test_a_question_that_no_kernel_took_is_no_sign_of_one(pair, monkeypatch):
    context = pair[1].calling()
    with (
        socket.create_server((ADDRESS, 0), backlog=0) as full,
        desk(pair[0], answers=1) as warden,
        line_to(warden.port, full.getsockname()[1]) as line,
        filled(full),
    ):
        assert line.ask(context) is Heard.WARDEN
        monkeypatch.setattr(probes, "_unacknowledged", lambda _: 1)
        assert line.ask(context) is Heard.NOTHING


def fill(sender):
    while True:
        sender.send(bytes(1 << 16))


def test_what_the_other_kernel_has_no_room_for_is_unacknowledged():
    with (
        socket.create_server((ADDRESS, 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
        listener.accept()[0] as receiver,
    ):
        sender.setblocking(False)  # noqa: FBT003  socket's own signature
        assert probes._unacknowledged(sender) == 0
        with pytest.raises(BlockingIOError):
            fill(sender)
        assert probes._unacknowledged(sender) > 0
        assert receiver.recv(1)


def test_another_certificate_opens_another_line(pair, closed_port):
    with desk(pair[0], answers=9) as warden, line_to(warden.port, closed_port) as line:
        for identity in (pair[1], pair[1], pair[0]):
            assert line.ask(identity.calling()) is Heard.WARDEN
        assert warden.connections == 2


@contextmanager
def filled(listener):
    """Fill the queue of a listener, so that the kernel passes over who connects next."""
    waiting = []
    try:
        for _ in range(8):
            made = socket.socket()
            made.setblocking(False)  # noqa: FBT003  socket's own signature
            made.connect_ex(listener.getsockname())
            waiting.append(made)
        yield
    finally:
        for made in waiting:
            made.close()


def test_a_kernel_whose_warden_says_nothing_is_heard(pair, closed_port):
    with (
        socket.create_server((ADDRESS, 0)) as silent,
        line_to(silent.getsockname()[1], closed_port) as line,
    ):
        assert line.ask(pair[1].calling()) is Heard.KERNEL


def test_a_refusal_is_a_kernel_too(pair, closed_port):
    with line_to(closed_port, closed_port) as line:
        assert line.ask(pair[1].calling()) is Heard.KERNEL


def test_a_host_that_answers_nothing_is_not_heard(pair):
    with (
        socket.create_server((ADDRESS, 0), backlog=0) as full,
        filled(full),
        line_to(full.getsockname()[1], full.getsockname()[1]) as line,
    ):
        assert line.ask(pair[1].calling()) is Heard.NOTHING


def test_who_cannot_prove_that_it_is_the_warden_is_a_kernel(pair, tmp_path, closed_port):
    (stranger,) = identities(tmp_path / "elsewhere", "db2")
    with desk(pair[0], answers=1) as warden, line_to(warden.port, closed_port) as line:
        assert line.ask(stranger.calling()) is Heard.KERNEL
