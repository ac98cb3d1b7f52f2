"""Administration: runs the service's own commands, which make roles, tables or a demo."""

from __future__ import annotations

import json
import os
import subprocess

from ha import environment
from ha.lab import commands, hosts, state
from ha.lab.layout import Layout
from ha.topology import Topology

# Roles and migrations are over in seconds.
DONE_S = 60.0
# The variables come through a pipe: a command line can be read by everybody.
_SCRIPT = (
    "import json, os, sys; os.environ.update(json.load(open(int(sys.argv[1])))); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)
_STANDARD_INPUT = 0


def run(
    layout: Layout, topology: Topology, *arguments: str, release: str, timeout_s: float = DONE_S
) -> str:
    """
    Run `evergrid-service` of a release on the first app host, and return what it printed.

    It runs as the service's own user with the passwords of the owner of the tables, which no
    process that runs for long is given.
    :raises CommandFailed: if it fails or takes too long
    """
    return commands.run(
        _command(layout, topology, arguments, release=release, pipe=_STANDARD_INPUT),
        input=_variables(layout, topology),
        timeout_s=timeout_s,
    )


def converse(layout: Layout, topology: Topology, *arguments: str, release: str) -> int:
    """Run it the same way, but with the terminal to itself; return its exit code."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(_variables(layout, topology))  # some kilobytes: a pipe holds 64
    try:
        argv = _command(layout, topology, arguments, release=release, pipe=reading)
        return subprocess.run(argv, pass_fds=(reading,), check=False).returncode
    finally:
        os.close(reading)


def _command(
    layout: Layout, topology: Topology, arguments: tuple[str, ...], *, release: str, pipe: int
) -> list[str]:
    host = topology.with_role("app")[0]
    python = ["runuser", "-u", "evergrid", "--", "/usr/bin/python3", "-c", _SCRIPT, str(pipe)]
    return hosts.command(layout, host, [*python, f"{release}/bin/evergrid-service", *arguments])


def _variables(layout: Layout, topology: Topology) -> str:
    secrets = state.secrets(layout)
    return json.dumps(
        environment.of_service(topology, secrets, topology.with_role("app")[0])
        | environment.of_roles(topology, secrets)
    )
