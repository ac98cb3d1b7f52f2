"""Probes: whether another host still answers, kernel or warden."""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from enum import IntEnum

from ha.warden import patience
from ha.warden.facts import Probe

_REQUEST = b"GET /live HTTP/1.1\r\nHost: warden\r\n\r\n"
# What an answer ends with; one that comes in pieces ends its connection (ha/warden/server.py).
_END = b"}\n"
_ANSWER_BYTES = 4096


class Heard(IntEnum):
    """How much of a host answered: nothing, its kernel (even by a refusal), its warden."""

    NOTHING = 0
    KERNEL = 1
    WARDEN = 2


class Line:
    """
    The line to the warden of another host, kept from probe to probe while it is answered in time.

    A handshake costs more than all the rest of a probe. A line that ended between two probes is
    opened anew within the second one: that a warden was started anew is no silence.
    """

    def __init__(self, address: str, *, warden_port: int, other_port: int) -> None:
        self._address = address
        self._warden_port = warden_port
        self._other_port = other_port
        self._kept: _Warden | None = None

    def ask(self, context: ssl.SSLContext) -> Heard:
        """
        Return what answers within `PROBE_ANSWER_S`; both ports are tried at the same time.

        :param context: what the line is opened with; another one than before opens another line
        """
        deadline_s = time.monotonic() + patience.PROBE_ANSWER_S
        kept = self._taken_up(context)
        warden, is_kept = kept or self._opened(context), kept is not None
        with _connecting(self._address, self._other_port) as other:
            waiting = {warden.number: select.POLLOUT, other.fileno(): select.POLLOUT}
            has_kernel = False
            while waiting and not warden.has_spoken:
                for number in _ready(waiting, deadline_s):
                    del waiting[number]
                    if number != warden.number:
                        has_kernel = _is_answered(other)
                    elif event := warden.go_on():
                        waiting[number] = event
                    elif is_kept and not warden.has_spoken:
                        warden.close()
                        warden, is_kept = self._opened(context), False
                        waiting[warden.number] = select.POLLOUT
                if time.monotonic() >= deadline_s:
                    break
        heard = _heard(warden, has_kernel=has_kernel)
        self._keep(warden)
        return heard

    def close(self) -> None:
        """End the line; the next probe opens one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _taken_up(self, context: ssl.SSLContext) -> _Warden | None:
        """Return the line that was kept, if what it was opened with is still what there is."""
        if self._kept is not None and self._kept.context is not context:
            self.close()  # the certificate, or whom it believes, was replaced
        kept, self._kept = self._kept, None
        return kept

    def _opened(self, context: ssl.SSLContext) -> _Warden:
        return _Warden(_connecting(self._address, self._warden_port), context, self._address)

    def _keep(self, warden: _Warden) -> None:
        if warden.is_answered_whole:
            warden.rest()
            self._kept = warden
        else:
            warden.close()


class _Warden:
    """A warden that is asked for a sign of life, as far as its socket allows without waiting."""

    def __init__(self, connecting: socket.socket, context: ssl.SSLContext, address: str) -> None:
        self.number = connecting.fileno()
        self.has_spoken = False
        self.is_answered_whole = False
        self._has_kernel = False
        self._plain: socket.socket | None = connecting
        self._address = address
        self.context = context
        self._secured: ssl.SSLSocket | None = None
        self._has_met = self._has_asked = False

    @property
    def has_kernel(self) -> bool:
        """Whether its kernel answered: the connection, or the question, which it acknowledged."""
        if not self._has_asked or self._secured is None:
            return self._has_kernel
        return self._has_kernel or _unacknowledged(self._secured) == 0

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

    def rest(self) -> None:
        """Forget the answer: the next question is asked on the same connection."""
        self.has_spoken = self.is_answered_whole = False
        self._has_asked = self._has_kernel = False

    def _converse(self) -> None:
        if self._plain is not None:
            self._has_kernel = _is_answered(self._plain)
            self._secured = self.context.wrap_socket(
                self._plain, server_hostname=self._address, do_handshake_on_connect=False
            )
            self._plain = None
        assert self._secured is not None, "what is no longer plain is secured"
        if not self._has_met:
            self._secured.do_handshake()
            self._has_met = True
        if not self._has_asked:
            self._secured.send(_REQUEST)
            self._has_asked = True
        answer = self._secured.recv(_ANSWER_BYTES)
        self.has_spoken = bool(answer)
        self.is_answered_whole = answer.endswith(_END)

    def close(self) -> None:
        """End the connection."""
        for one in (self._plain, self._secured):
            if one is not None:
                one.close()


def updated(before: Probe | None, *, is_answered: bool, began_s: float) -> Probe:
    """Return what is known after one more attempt, which began at `began_s`."""
    if is_answered:
        return Probe()
    if before is None or before.silent_since_s is None:
        return Probe(silent_since_s=began_s, unanswered=1)
    return Probe(silent_since_s=before.silent_since_s, unanswered=before.unanswered + 1)


def _heard(warden: _Warden, *, has_kernel: bool) -> Heard:
    if warden.has_spoken:
        return Heard.WARDEN
    return Heard.KERNEL if has_kernel or warden.has_kernel else Heard.NOTHING


def _unacknowledged(connected: socket.socket) -> int:
    """Return how many bytes the other kernel has not acknowledged (SIOCOUTQ, tcp(7))."""
    return int(struct.unpack("i", fcntl.ioctl(connected, termios.TIOCOUTQ, bytes(4)))[0])


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
