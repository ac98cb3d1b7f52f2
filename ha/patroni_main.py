"""
Patroni as a host runs it: after its warden, with TCP_NODELAY on its connections to etcd.

A host that boots has lost its fence, not its promise: PostgreSQL must not stream before the warden
has fenced anew (ha/warden/README.md).

urllib3 sends the head of a request and its body separately, and for that reason asks for
TCP_NODELAY. Patroni's `Etcd3.set_socket_options` sets its keepalive options instead of what it is
handed (patroni/dcs/etcd3.py, 4.1.5), so that each body waits for etcd's delayed acknowledgement of
its head: 40 ms. Nine requests lie between the stop of one primary and the promotion of the next.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

_CONFIGURATION = Path("/etc/evergrid")
_AGAIN_S = 0.1
_ANSWER_S = 2.0


def prompt(client: type[Any]) -> None:
    """Have `client`, Patroni's class of a client of etcd, send what it has to send at once."""
    as_patroni_does = client.set_socket_options

    def set_socket_options(self: object, sock: socket.socket, options: object) -> None:
        as_patroni_does(self, sock, options)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.set_socket_options = set_socket_options


def await_warden(configuration: Path) -> None:
    """
    Return when the warden of this host says that whatever the host has promised is kept.

    Without a warden, or without etcd, it waits for ever: a host that does not know what it has
    promised must not confirm anybody's commits. Each reason to wait is told once.
    """
    from ha.identity import Identity  # noqa: PLC0415
    from ha.rest import Rest, RestSilent  # noqa: PLC0415
    from ha.warden import settings  # noqa: PLC0415

    found, identity = settings.read(configuration / "warden.json"), Identity(configuration)
    warden = Rest(found.address, found.port, found.patroni_password, identity=identity)
    told = ""
    while True:
        try:
            status, answer = warden.get("/word", within_s=_ANSWER_S)
        except RestSilent as silence:
            why = str(silence)
        else:
            if status == Rest.OK:
                return
            why = str(answer)
        if why != told:
            sys.stderr.write(f"Patroni waits for the warden: {why}\n")
        told = why
        time.sleep(_AGAIN_S)


def main() -> None:
    """Run Patroni."""
    # Not above: the process by which Patroni starts PostgreSQL imports this module anew.
    from patroni.__main__ import main as patroni  # noqa: PLC0415
    from patroni.dcs.etcd3 import Etcd3  # noqa: PLC0415

    await_warden(_CONFIGURATION)
    prompt(Etcd3)
    patroni()


if __name__ == "__main__":
    main()
