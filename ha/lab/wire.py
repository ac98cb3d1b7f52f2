"""
Wire: carries frames between two links as a long, lossy line would.

`ha.lab.slowness` runs this file by itself, as a process beside the lab's hosts; so it imports
nothing of ours.
"""

from __future__ import annotations

import argparse
import random
import select
import signal
import socket
import time
from collections import deque
from dataclasses import dataclass, field

READY = "carries frames"

# packet(7), socket(7); Python names none of these.
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23

# Hosts hand over bursts of up to 64 KiB as one frame, with checksums still to be computed; the
# header in front of each says so.
_FRAME_MAX_BYTES = 128 * 1024
# A second of 10 Gbit/s in bursts. The kernel doubles it.
_SOCKET_BYTES = 32 * 1024 * 1024
# What is under way in one direction at most: more is lost, as in a router.
_QUEUE_MAX_FRAMES = 50_000
# Before the other direction has its turn.
_BATCH_FRAMES = 64


class LinkGone(Exception):
    """One of the two links is no more."""


@dataclass(slots=True)
class Direction:
    """One way along the wire; `frames` counts what arrived, `lost` what of it went no further."""

    source: socket.socket
    target: socket.socket
    delay_s: float
    loss: float
    chance: random.Random
    frames: int = 0
    lost: int = 0
    _under_way: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self, buffer: bytearray) -> None:
        """Take what waits at the source, each frame with the time it is due at the target."""
        for _ in range(_BATCH_FRAMES):
            try:
                size = self.source.recv_into(buffer)
            except BlockingIOError:
                return
            self.frames += 1
            is_lost = self.chance.random() < self.loss or len(self._under_way) >= _QUEUE_MAX_FRAMES
            if is_lost:
                self.lost += 1
            else:
                self._under_way.append((time.monotonic() + self.delay_s, bytes(buffer[:size])))

    def give(self) -> None:
        """Hand the target what is due; a link that is down loses it."""
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            try:
                self.target.send(self._under_way.popleft()[1])
            except OSError:
                self.lost += 1

    def rest_s(self) -> float:
        """Return how long nothing will be due; a minute if nothing is under way."""
        if not self._under_way:
            return 60.0
        return max(0.0, self._under_way[0][0] - time.monotonic())


def attach(link: str) -> socket.socket:
    """Return a socket that sends or receives whole frames at `link`; not those it sent itself."""
    attached = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    attached.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    attached.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    for option in (_SO_RCVBUFFORCE, _SO_SNDBUFFORCE):
        attached.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BYTES)
    attached.setblocking(False)  # noqa: FBT003 - of the standard library
    attached.bind((link, _ETH_P_ALL))
    return attached


def carry(there: Direction, back: Direction, links: list[str]) -> None:
    """
    Carry frames both ways until a link is gone.

    :raises LinkGone: then
    """
    numbers = [socket.if_nametoindex(link) for link in links]
    buffer = bytearray(_FRAME_MAX_BYTES)
    poll = select.epoll()
    arriving = {way.source.fileno(): way for way in (there, back)}
    for descriptor in arriving:
        poll.register(descriptor, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll(min(there.rest_s(), back.rest_s())):
            try:
                arriving[descriptor].take(buffer)
            except OSError as error:  # down, which it may be for a while; or gone
                if not _exist(links, numbers):
                    raise LinkGone from error
        there.give()
        back.give()


def _exist(links: list[str], numbers: list[int]) -> bool:
    """Test if the links are still those that were attached to, not namesakes."""
    try:
        return [socket.if_nametoindex(link) for link in links] == numbers
    except OSError:
        return False


def _stop(*_: object) -> None:
    raise LinkGone


def main() -> None:
    """Carry frames between two links; at the end say how many were."""
    parser = argparse.ArgumentParser()
    parser.add_argument("links", nargs=2)
    parser.add_argument("--delay-s", type=float, required=True, help="Each way.")
    parser.add_argument("--loss", type=float, required=True, help="A share of 1, each way.")
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    near, far = (attach(link) for link in given.links)
    chance = random.Random(given.seed)  # noqa: S311 - repeatable, not secret
    there = Direction(near, far, given.delay_s, given.loss, chance)
    back = Direction(far, near, given.delay_s, given.loss, chance)
    signal.signal(signal.SIGTERM, _stop)
    print(f"{READY} between {' and '.join(given.links)}", flush=True)  # noqa: T201 - its log
    try:
        carry(there, back, given.links)
    except LinkGone:
        counts = f"{there.frames} from the host, {there.lost} lost; "
        counts += f"{back.frames} to the host, {back.lost} lost"
        print(f"carried {counts}", flush=True)  # noqa: T201 - its log


if __name__ == "__main__":
    main()
