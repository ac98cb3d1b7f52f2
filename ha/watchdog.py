"""Watchdog: a sign of life for systemd, which ends a program that gives none for too long."""

from __future__ import annotations

import os
import socket

_SIGN = b"WATCHDOG=1"


def sign() -> None:
    """
    Give a sign of life; without somebody who wants one (a lab's supervisor does not), nothing.

    Source: sd_notify(3); an address that begins with @ is in the abstract namespace.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as told:
        try:
            told.sendto(_SIGN, "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return  # the next one is a turn away
