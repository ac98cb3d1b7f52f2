"""A probe hears as much of a host as answers, over a line that is kept while it is answered."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from ha.warden.probes import Heard, Line
from tests.unit.ha.warden.links import ADDRESS, identities

_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"alive": true}\n'


class Desk:
    """A warden that answers so many questions on each connection, then ends it or says no more."""

    def __init__(self, listener, context, *, answers, is_ending):
        self.port = listener.getsockname()[1]
        self.connections = 0
        self._listener = listener
        self._context = context
        self._answers = answers
        self._is_ending = is_ending
        self._held = []

    def serve(self):
        while True:
            try:
                plain = self._listener.accept()[0]
            except OSError:
                return
            try:
                self._answer(self._context.wrap_socket(plain, server_side=True))
            except OSError:
                continue  # a caller that did not believe it

    def _answer(self, secured):
        self.connections += 1
        for _ in range(self._answers):
            if not secured.recv(1000):
                break
            secured.sendall(_ANSWER)
        if self._is_ending:
            secured.close()
        else:
            self._held.append(secured)

    def close(self):
        for each in self._held:
            each.close()


@contextmanager
def desk(identity, *, answers, is_ending=False):
    with socket.create_server((ADDRESS, 0)) as listener:
        found = Desk(listener, identity.serving(), answers=answers, is_ending=is_ending)
        thread = threading.Thread(target=found.serve)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            found.close()


@pytest.fixture
def pair(tmp_path):
    """The identities of the warden's host and of its neighbour's."""
    return identities(tmp_path, "db1", "db2")


@pytest.fixture
def closed_port():
    with socket.create_server((ADDRESS, 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def line_to(warden_port, other_port):
    line = Line(ADDRESS, warden_port=warden_port, other_port=other_port)
    try:
        yield line
    finally:
        line.close()


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
