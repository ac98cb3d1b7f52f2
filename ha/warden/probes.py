"""Probes: whether another host still answers, kernel or warden."""

from __future__ import annotations

import errno
import select
import socket
import ssl
import time
from contextlib import closing
from enum import IntEnum
from functools import partial

from ha.warden import patience
from ha.warden.facts import Probe

_REQUEST = b"GET /live HTTP/1.0\r\n\r\n"


class Heard(IntEnum):
    """How much of a host answered: nothing, its kernel (even by a refusal), its warden."""

    NOTHING = 0
    KERNEL = 1
    WARDEN = 2


def ask(address: str, *, warden_port: int, other_port: int, context: ssl.SSLContext) -> Heard:
    """Return what answers within `PROBE_ANSWER_S`; both ports are tried at the same time."""
    deadline_s = time.monotonic() + patience.PROBE_ANSWER_S
    with (
        closing(_Warden(_connecting(address, warden_port), context, address)) as warden,
        _connecting(address, other_port) as other,
    ):
        waiting = {warden.number: select.POLLOUT, other.fileno(): select.POLLOUT}
        has_kernel = False
        while waiting and not warden.has_spoken:
            for number in _ready(waiting, deadline_s):
                del waiting[number]
                if number != warden.number:
                    has_kernel = _is_answered(other)
                elif event := warden.go_on():
                    waiting[number] = event
            if time.monotonic() >= deadline_s:
                break
    if warden.has_spoken:
        return Heard.WARDEN
    return Heard.KERNEL if has_kernel or warden.has_kernel else Heard.NOTHING


class _Warden:
    """A warden that is asked for a sign of life, as far as its socket allows without waiting."""

    def __init__(self, connecting: socket.socket, context: ssl.SSLContext, address: str) -> None:
        self.number = connecting.fileno()
        self.has_kernel = False
        self.has_spoken = False
        self._socket = connecting
        self._secured: ssl.SSLSocket | None = None
        self._secure = partial(
            context.wrap_socket, server_hostname=address, do_handshake_on_connect=False
        )
        self._has_met = self._has_asked = False

    def go_on(self) -> int:
        """Do what can be done now; return the event to wait for, 0 if nothing more will come."""
        try:
            self._converse()
        except ssl.SSLWantReadError:
            return select.POLLIN
        except ssl.SSLWantWriteError:
            return select.POLLOUT
        except OSError:
            return 0
        return 0

    def _converse(self) -> None:
        if self._secured is None:
            self.has_kernel = _is_answered(self._socket)
            self._socket = self._secured = self._secure(self._socket)
        if not self._has_met:
            self._secured.do_handshake()
            self._has_met = True
        if not self._has_asked:
            self._secured.send(_REQUEST)
            self._has_asked = True
        self.has_spoken = bool(self._secured.recv(1))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def updated(before: Probe | None, *, is_answered: bool, began_s: float) -> Probe:
    """Return what is known after one more attempt, which began at `began_s`."""
    if is_answered:
        return Probe()
    if before is None or before.silent_since_s is None:
        return Probe(silent_since_s=began_s, unanswered=1)
    return Probe(silent_since_s=before.silent_since_s, unanswered=before.unanswered + 1)


def _connecting(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)  # noqa: FBT003  socket's own signature
    made.connect_ex((address, port))
    return made


def _ready(waiting: dict[int, int], deadline_s: float) -> list[int]:
    """Return which of the sockets are ready for what they wait for, at the deadline none."""
    poll = select.poll()
    for number, event in waiting.items():
        poll.register(number, event)
    events = poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
    return [number for number, _ in events]


def _is_answered(connecting: socket.socket) -> bool:
    """Test if the other kernel answered; an unconnected socket without an error had no route."""
    error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error == errno.ECONNREFUSED:
        return True
    try:
        connecting.getpeername()
    except OSError:
        return False
    return True
