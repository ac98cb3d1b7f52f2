"""Supervision: asks a host's supervisor how its programs are."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, cast

from ha.lab.errors import LabFailed

SOCKET = "run/evergrid/supervisor.sock"

# It answers from memory. Longer means that it is frozen; a table of hosts should not wait for it.
ANSWER_S = 3.0


class SupervisorSilent(LabFailed):
    """A host's supervisor does not answer: still booting, or frozen."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a host. `state` is the supervisor's word; `own_pid` 0 means not running."""

    name: str
    state: str
    own_pid: int
    log: str


def programs(init: int) -> list[Program]:
    """
    Return the programs of the host whose first process is `init`, by name.

    :raises SupervisorSilent: if there is no answer
    """
    # Its socket, seen through its own root: this needs no process inside the host.
    path = f"/proc/{init}/root/{SOCKET}"
    try:
        with xmlrpc.client.ServerProxy("http://supervisor", transport=_Transport(path)) as server:
            answer = cast("list[dict[str, Any]]", server.supervisor.getAllProcessInfo())
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        raise SupervisorSilent(f"the supervisor does not answer: {error}") from error
    found = [Program(a["name"], a["statename"], a["pid"], a["stdout_logfile"]) for a in answer]
    return sorted(found, key=lambda program: program.name)


def answers(init: int | None) -> bool:
    """Test if there is a host behind `init` whose supervisor answers."""
    try:
        return init is not None and programs(init) is not None
    except SupervisorSilent:
        return False


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401
        connection = _Connection(host, self._path)
        self._connection = host, connection  # what closing the transport closes
        return connection


class _Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(self._path)
