"""Administration: runs the service's own commands, which make roles, tables or a demo."""

from __future__ import annotations

import json

from ha import environment
from ha.lab import commands, hosts, state
from ha.lab.layout import Layout
from ha.topology import Topology

# Roles and migrations are over in seconds.
DONE_S = 60.0


def run(
    layout: Layout, topology: Topology, *arguments: str, release: str, timeout_s: float = DONE_S
) -> str:
    """
    Run `evergrid-service` of a release on the first app host, and return what it printed.

    It runs as the service's own user with the passwords of the owner of the tables, which no
    process that runs for long is given.
    :raises CommandFailed: if it fails or takes too long
    """
    host = topology.with_role("app")[0]
    secrets = state.secrets(layout)
    variables = {
        **environment.of_service(topology, secrets, host),
        **environment.of_roles(topology, secrets),
    }
    # The variables come through standard input: a command line can be read by everybody.
    script = (
        "import json, os, sys; os.environ.update(json.load(sys.stdin)); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    python = ["runuser", "-u", "evergrid", "--", "/usr/bin/python3", "-c", script]
    argv = [*python, f"{release}/bin/evergrid-service", *arguments]
    return commands.run(
        hosts.command(layout, host, argv), input=json.dumps(variables), timeout_s=timeout_s
    )
