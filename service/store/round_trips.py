"""Round trips: how far away the database's servers are, as the kernel of this host knows it."""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from statistics import median_low

_log = logging.getLogger(__name__)
FAR_S = 0.07
"""
Packets to a server take so long there and back: its network is slow.

On a busy machine an answer takes as long, because a process waits for a processor; the kernel's
acknowledgement does not, which is delayed by 40 ms at most (measured: 8 to 21 ms, while answers
took half a second).
"""

# Source: sock_diag(7), linux/sock_diag.h, linux/inet_diag.h, linux/tcp.h.
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLMSG_DONE, _NLMSG_ERROR = 4, 20, 3, 2
_REQUEST_DUMP = 0x301
_INET_DIAG_INFO = 2
_ESTABLISHED = 1 << 1
_HEADER, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
_REQUEST = struct.Struct("=BBBxI2s2s16s16sIII")
_NO_COOKIE = 0xFFFFFFFF
_ADDRESS = slice(4 + 4 + 16, 4 + 4 + 32)  # of `struct inet_diag_msg`: whither
_DIAG_MESSAGE_BYTES = 72
# Of `struct tcp_info`: tcpi_last_ack_recv in milliseconds, tcpi_rtt in microseconds, smoothed.
_LAST_ACK_OFFSET, _RTT_OFFSET = 56, 68
# What a connection knew before it fell silent says nothing of now.
_RECENT_MS = 3_000
_ANSWER_BYTES = 1 << 16
_PATIENCE_S = 0.2
_ASKED_S = 1.0  # a look goes over the whole table of the host's connections: 3 ms


class Servers:
    """The database's servers, as the connections of this host to their `port` know them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._asked_s = float("-inf")
        self._are_far = self._is_mute = False

    def are_far(self) -> bool:
        """
        Tell if some server, over most connections to it, is far away now; asked once a second.

        A connection that is little used learns of it late. False if the kernel does not say.
        """
        if time.monotonic() - self._asked_s < _ASKED_S:
            return self._are_far
        self._asked_s = time.monotonic()
        found_s: dict[bytes, list[float]] = defaultdict(list)
        try:
            for address, round_trip_s in _round_trips(self._port):
                found_s[address].append(round_trip_s)
        except OSError as error:
            if not self._is_mute:
                _log.warning("The kernel does not say how far the servers are: %s", error)
            self._is_mute = True
        self._are_far = any(median_low(of_one) >= FAR_S for of_one in found_s.values())
        return self._are_far


def _round_trips(port: int) -> Iterator[tuple[bytes, float]]:
    """Yield whither each connection to `port` leads that is in use, what its packets take."""
    asked = _REQUEST.pack(
        socket.AF_INET, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), _ESTABLISHED,
        b"\0\0", port.to_bytes(2, "big"), b"", b"", 0, _NO_COOKIE, _NO_COOKIE,
    )  # fmt: skip
    header = _HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE_S)
        kernel.send(header + asked)
        while True:
            answer = memoryview(kernel.recv(_ANSWER_BYTES))
            while answer:
                length, kind, *_ = _HEADER.unpack_from(answer)
                if kind in {_NLMSG_DONE, _NLMSG_ERROR}:
                    _check(answer[_HEADER.size : length])
                    return
                yield from _of_connection(answer[_HEADER.size : length])
                answer = answer[(length + 3) & ~3 :]


def _check(message: memoryview) -> None:
    """
    Let the end of an answer pass.

    :raises OSError: if the kernel refuses to say more
    """
    (code,) = struct.unpack_from("=i", message)
    if code < 0:
        raise OSError(-code, os.strerror(-code))


def _of_connection(message: memoryview) -> Iterator[tuple[bytes, float]]:
    rest = message[_DIAG_MESSAGE_BYTES:]
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        if kind == _INET_DIAG_INFO and _number(rest, _LAST_ACK_OFFSET) <= _RECENT_MS:
            yield bytes(message[_ADDRESS]), _number(rest, _RTT_OFFSET) / 1e6
        rest = rest[(length + 3) & ~3 :]


def _number(info: memoryview, offset: int) -> int:
    (found,) = struct.unpack_from("=I", info, _ATTRIBUTE.size + offset)
    return int(found)
