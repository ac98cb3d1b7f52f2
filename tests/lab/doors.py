"""Doors: what a test opens in the firewall of a host for as long as it listens there itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ha.lab import Lab, openings

_QUICK_S = 10.0
_TABLE = ["inet", "evergrid"]


@contextmanager
def ajar(lab: Lab, host: str, port: int) -> Iterator[None]:
    """Let a host be asked at `port`, TCP or UDP, by anybody."""
    rule = ["input", "meta", "l4proto", "{ tcp, udp }", "th", "dport", str(port), "accept"]
    lab.exec(host, ["nft", "insert", "rule", *_TABLE, *rule], timeout_s=_QUICK_S)
    try:
        yield
    finally:
        lab.exec(host, openings.LOAD, timeout_s=_QUICK_S)


@contextmanager
def open_wide(lab: Lab, host: str) -> Iterator[None]:
    """Take the firewall of a host away."""
    lab.exec(host, ["nft", "delete", "table", *_TABLE], timeout_s=_QUICK_S)
    try:
        yield
    finally:
        lab.exec(host, openings.LOAD, timeout_s=_QUICK_S)
