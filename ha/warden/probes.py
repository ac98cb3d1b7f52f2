"""Probes: whether another host still answers, kernel or warden."""

from __future__ import annotations

import errno
import select
import socket
import time
from enum import IntEnum

from ha.warden import patience
from ha.warden.facts import Probe

_REQUEST = b"GET /live HTTP/1.0\r\n\r\n"


class Heard(IntEnum):
    """How much of a host answered: nothing, its kernel (even by a refusal), its warden."""

    NOTHING = 0
    KERNEL = 1
    WARDEN = 2


def ask(address: str, *, warden_port: int, other_port: int) -> Heard:
    """Return what answers within `PROBE_ANSWER_S`; both ports are tried at the same time."""
    deadline_s = time.monotonic() + patience.PROBE_ANSWER_S
    with _connecting(address, warden_port) as warden, _connecting(address, other_port) as other:
        waiting = {warden: select.POLLOUT, other: select.POLLOUT}
        heard = Heard.NOTHING
        while waiting and heard is not Heard.WARDEN:
            for each in _ready(waiting, deadline_s):
                if waiting.pop(each) == select.POLLIN:
                    heard = Heard.WARDEN if _has_spoken(each) else heard
                elif _is_answered(each):
                    heard = max(heard, Heard.KERNEL)
                    if each is warden and _has_asked(each):
                        waiting[each] = select.POLLIN
            if time.monotonic() >= deadline_s:
                break
    return heard


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


def _ready(waiting: dict[socket.socket, int], deadline_s: float) -> list[socket.socket]:
    """Return which of the sockets are ready for what they wait for, at the deadline none."""
    poll = select.poll()
    by_number = {each.fileno(): each for each in waiting}
    for each, event in waiting.items():
        poll.register(each, event)
    events = poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
    return [by_number[number] for number, _ in events]


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


def _has_asked(warden: socket.socket) -> bool:
    try:
        return warden.send(_REQUEST) == len(_REQUEST)
    except OSError:
        return False


def _has_spoken(warden: socket.socket) -> bool:
    try:
        return bool(warden.recv(1))
    except OSError:
        return False
