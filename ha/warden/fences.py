"""Fences: keeps this host from confirming another's WAL, in the kernel, where a crash leaves it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

import psycopg2

from ha.statements import statement
from ha.warden import processes
from ha.warden.postgres import Watched

# ip(8) and the end of a receiver take milliseconds.
_WITHIN_S = 2.0
# Marks our routes (rtnetlink(7): numbers from 4 on are free for whoever sets a route).
_PROTOCOL = "157"

_RECEIVERS = statement("warden_receivers")


class FenceIncomplete(Exception):
    """The fence does not stand, or stands no longer; nothing may be promised."""


def put_up(address: str, server: Watched, *, is_running: bool) -> None:
    """
    Send nothing to a host any more, and receive no WAL from it.

    The route comes first: what the receiver still got cannot be confirmed, and it cannot be
    restarted. With PostgreSQL down there is no receiver, and the route keeps one from coming.
    :raises FenceIncomplete: if a receiver of its WAL is left
    """
    _ip("route", "replace", "unreachable", f"{address}/32", "protocol", _PROTOCOL)
    if not is_running:
        return
    for receiver in _receivers(address, server):
        # pg_terminate_backend() ends backends only, and a receiver is none. It ends in order on
        # SIGTERM: what it got is flushed, without a word to the sender (WalRcvDie).
        processes.ask_to_end(receiver)
    if _receivers(address, server):
        raise FenceIncomplete("PostgreSQL still receives WAL from it")


def take_down(address: str) -> None:
    """
    Let packets go to a host again; a fence that is not there needs nothing.

    :raises FenceIncomplete: if the kernel keeps it
    """
    try:
        _ip("route", "delete", "unreachable", f"{address}/32", "protocol", _PROTOCOL)
    except FenceIncomplete:
        if standing({address: address}):
            raise


def standing(hosts: Mapping[str, str]) -> set[str]:
    """
    Return which of `hosts` (name to address) this kernel sends nothing to.

    :raises FenceIncomplete: if it does not say
    """
    printed = _ip("-json", "route", "show", "type", "unreachable", "protocol", _PROTOCOL)
    fenced = {route["dst"] for route in json.loads(printed or "[]")}
    return {name for name, address in hosts.items() if address in fenced}


def _receivers(address: str, server: Watched) -> list[int]:
    """Return the processes that receive WAL from a host: one, or none."""
    try:
        return [pid for (pid,) in server.ask(_RECEIVERS, address, within_s=_WITHIN_S)]
    except psycopg2.Error as error:
        raise FenceIncomplete(f"PostgreSQL does not say if it still receives: {error}") from error


def _ip(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["ip", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=_WITHIN_S,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise FenceIncomplete(f"ip {' '.join(arguments)}: {error}") from error
    return done.stdout
