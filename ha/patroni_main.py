"""
Patroni as a host runs it: after its warden, by the verdicts of wardens, prompt with etcd.

While etcd is away a primary asks every member, once a loop, whether it may go on (failsafe mode);
each believes in it for a ttl from the last time, also if etcd has come back meanwhile, and its
lease is gone (patroni/ha.py `Failsafe`, 4.1.5). A primary that is lost within those 20 s would cost
as much, though the wardens need two: a leadership that they have ended is believed no more.

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

_WARDEN = Path("/etc/evergrid/warden.json")
_AGAIN_S = 0.1
_ANSWER_S = 1.0


def prompt(client: type[Any]) -> None:
    """Have `client`, Patroni's class of a client of etcd, send what it has to send at once."""
    as_patroni_does = client.set_socket_options

    def set_socket_options(self: object, sock: socket.socket, options: object) -> None:
        as_patroni_does(self, sock, options)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.set_socket_options = set_socket_options


def heed_verdicts(failsafe: type[Any], path: Path) -> None:
    """Have `failsafe`, Patroni's class, forget a leader of whom this host's warden says so."""
    as_patroni_does = failsafe.leader.fget

    def leader(self: object) -> object:
        believed = as_patroni_does(self)
        if believed is not None and _ask(path, f"/outvoted?host={believed.name}") is None:
            return None
        return believed

    failsafe.leader = property(leader)


def await_warden(path: Path) -> None:
    """
    Return when the warden of this host says that whatever the host has promised is kept.

    Without a warden, or without etcd, it waits for ever: a host that does not know what it has
    promised must not confirm anybody's commits. Each reason to wait is told once.
    """
    told = ""
    while (why := _ask(path, "/word")) is not None:
        if why != told:
            sys.stderr.write(f"Patroni waits for the warden: {why}\n")
        told = why
        time.sleep(_AGAIN_S)


def _ask(path: Path, question: str) -> str | None:
    """Return None if this host's warden, whose settings are at `path`, says yes; or why not."""
    from ha.rest import Rest, RestSilent  # noqa: PLC0415
    from ha.warden import settings  # noqa: PLC0415

    found = settings.read(path)
    warden = Rest(found.address, found.port, found.patroni_password)
    try:
        status, answer = warden.get(question, within_s=_ANSWER_S)
    except RestSilent as silence:
        return str(silence)
    return None if status == Rest.OK else str(answer)


def main() -> None:
    """Run Patroni."""
    # Not above: the process by which Patroni starts PostgreSQL imports this module anew.
    from patroni.__main__ import main as patroni  # noqa: PLC0415
    from patroni.dcs.etcd3 import Etcd3  # noqa: PLC0415
    from patroni.ha import Failsafe  # noqa: PLC0415

    await_warden(_WARDEN)
    prompt(Etcd3)
    heed_verdicts(Failsafe, _WARDEN)
    patroni()


if __name__ == "__main__":
    main()
