"""
Patroni with TCP_NODELAY on its connections to etcd: what a host runs instead of `patroni`.

urllib3 sends the head of a request and its body separately, and for that reason asks for
TCP_NODELAY. Patroni's `Etcd3.set_socket_options` sets its keepalive options instead of what it is
handed (patroni/dcs/etcd3.py, 4.1.5), so that each body waits for etcd's delayed acknowledgement of
its head: 40 ms. Nine requests lie between the stop of one primary and the promotion of the next.
"""

from __future__ import annotations

import socket
from typing import Any


def prompt(client: type[Any]) -> None:
    """Have `client`, Patroni's class of a client of etcd, send what it has to send at once."""
    as_patroni_does = client.set_socket_options

    def set_socket_options(self: object, sock: socket.socket, options: object) -> None:
        as_patroni_does(self, sock, options)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.set_socket_options = set_socket_options


def main() -> None:
    """Run Patroni."""
    # Not above: the process by which Patroni starts PostgreSQL imports this module anew.
    from patroni.__main__ import main as patroni  # noqa: PLC0415
    from patroni.dcs.etcd3 import Etcd3  # noqa: PLC0415

    prompt(Etcd3)
    patroni()


if __name__ == "__main__":
    main()
