"""Balancer: speaks with a host's HAProxy through its admin socket."""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator

from ha.lab.errors import LabFailed

SOCKET = "run/evergrid/haproxy/admin.sock"

# It answers from memory.
ANSWER_S = 3.0


class BalancerSilent(LabFailed):
    """A host's HAProxy does not answer: not running, or frozen."""


class OrderRefused(LabFailed):
    """HAProxy does not know what it was told to do."""


def process(init: int) -> int:
    """
    Return the number (on its host) of the HAProxy that takes new connections.

    :raises BalancerSilent: if none answers
    """
    lines = _ask(init, "show info").splitlines()
    return next(int(line.split(":")[1]) for line in lines if line.startswith("Pid:"))


def set_state(init: int, server: str, state: str) -> None:
    """
    Set a server ("api/app1") to ready, drain (no new request) or maint (as if it were not there).

    :raises OrderRefused: if there is no such server
    """
    if answer := _ask(init, f"set server {server} state {state}").strip():
        raise OrderRefused(f"set server {server} state {state}: {answer}")


def servers(init: int, backend: str) -> dict[str, dict[str, str]]:
    """Return what HAProxy counts of each server of a backend, in its own words (`show stat`)."""
    return {row["svname"]: row for row in _rows(init) if row["pxname"] == backend}


def _rows(init: int) -> Iterator[dict[str, str]]:
    return csv.DictReader(_ask(init, "show stat").removeprefix("# ").splitlines())


def _ask(init: int, order: str) -> str:
    """Return the answer to one order; the socket is seen through the host's own root."""
    try:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(ANSWER_S)
            admin.connect(f"/proc/{init}/root/{SOCKET}")
            admin.sendall(f"{order}\n".encode())
            with admin.makefile("r", encoding="utf-8") as answer:
                return answer.read()
    except OSError as error:
        raise BalancerSilent(f"HAProxy does not answer: {error}") from error
