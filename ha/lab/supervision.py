"""Supervision: asks a host's supervisor how its programs are, or to stop or start them."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, cast

from ha.lab.errors import LabFailed
from ha.lab.waiting import until

SOCKET = "run/evergrid/supervisor.sock"

# It answers from memory. Longer means that it is frozen; a table of hosts should not wait for it.
ANSWER_S = 3.0
# Longer than the slowest program is given to stop (the API: its slowest request).
STOP_S = 90.0
START_S = 5.0


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
    answer = cast("list[dict[str, Any]]", _ask(init, "getAllProcessInfo"))
    found = [Program(a["name"], a["statename"], a["pid"], a["stdout_logfile"]) for a in answer]
    return sorted(found, key=lambda program: program.name)


def stop(init: int, name: str) -> None:
    """
    Stop a program as its configuration says (its signal, its time), and return once it has ended.

    :raises NotInTime: if it does not end, which the supervisor's own SIGKILL should prevent
    """
    if _program(init, name).own_pid:
        _ask(init, "stopProcess", name, False)  # noqa: FBT003 - do not wait; we look ourselves
    until(
        lambda: _program(init, name),
        is_enough=lambda program: program.own_pid == 0,
        what=f"{name} has stopped",
        within_s=STOP_S,
    )


def start(init: int, name: str) -> None:
    """Start a program that is stopped, and return once it runs."""
    _ask(init, "startProcess", name, False)  # noqa: FBT003 - as in `stop`
    until(
        lambda: _program(init, name),
        is_enough=lambda program: program.own_pid != 0,
        what=f"{name} has started",
        within_s=START_S,
    )


def update(init: int) -> None:
    """
    Let the supervisor take its new configuration.

    What it changes or drops is stopped in order; what it changes or adds is started.
    :raises NotInTime: if a program does not end, as `stop`
    """
    [[added, changed, dropped]] = cast("list[list[list[str]]]", _ask(init, "reloadConfig"))
    for name in (*changed, *dropped):
        stop(init, name)
        _ask(init, "removeProcessGroup", name)
    for name in (*added, *changed):
        _ask(init, "addProcessGroup", name)


def answers(init: int | None) -> bool:
    """Test if there is a host behind `init` whose supervisor answers."""
    try:
        return init is not None and programs(init) is not None
    except SupervisorSilent:
        return False


def _program(init: int, name: str) -> Program:
    """Return one program, which has to be one of the host's."""
    return next(program for program in programs(init) if program.name == name)


def _ask(init: int, method: str, *arguments: str | bool) -> object:
    # Its socket, seen through its own root: this needs no process inside the host.
    path = f"/proc/{init}/root/{SOCKET}"
    try:
        with xmlrpc.client.ServerProxy("http://supervisor", transport=_Transport(path)) as server:
            return getattr(server.supervisor, method)(*arguments)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        raise SupervisorSilent(f"the supervisor does not answer: {error}") from error


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
