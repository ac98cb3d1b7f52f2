"""Lab: one running lab as drills, tests or the command line use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ha.lab import (
    cluster,
    doorway,
    handover,
    hosts,
    network,
    openings,
    operators,
    processes,
    state,
    supervision,
)
from ha.lab.breakable import Breakable
from ha.lab.commands import run
from ha.lab.layout import Layout, doorway_address
from ha.lab.supervision import Program
from ha.switchover import Report
from ha.topology import Host

SOCKET_FOLDER = "/run/evergrid/postgresql"
DATABASE = "evergrid"
# An operator's question to the database; drills that ask for more say so.
QUERY_S = 30.0


class Lab(Breakable):
    """A lab that was brought up. It holds nothing open; every call looks afresh."""

    def info(self) -> dict[str, Any]:
        """Return what tools outside need to know: `lab info --json`."""
        client, monitor = (self.topology.with_role(role)[0] for role in ("client", "monitor"))
        ports, door = self.topology.ports, doorway_address(self.topology)
        return {
            "name": self.layout.lab,
            "endpoint": _url(self.topology.virtual_address, ports.edge_https),
            "authority": str(operators.authority(self.layout)),
            "client_namespace": self.layout.namespace(client.name),
            "hosts": [
                {
                    "name": host.name,
                    "address": host.address,
                    "namespace": self.layout.namespace(host.name),
                    "roles": list(host.roles),
                }
                for host in self.topology.hosts
            ],
            "tokens": state.tokens(self.layout),
            "prometheus": _url(monitor.address, ports.prometheus),
            "local": {
                "endpoint": f"http://{door}:{doorway.HTTP_PORT}",
                "prometheus": f"http://{door}:{doorway.PROMETHEUS_PORT}",
            },
        }

    def exec(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: str | None = None,  # noqa: A002 - the word of `subprocess.run`
        timeout_s: float,
        check: bool = True,
    ) -> str:
        """
        Run `argv` as root on the host and return what it printed.

        :raises HostOff: if the host is off
        :raises CommandFailed: if it fails (unless told not to `check`) or takes too long
        """
        return run(self.command(host, argv), input=input, timeout_s=timeout_s, check=check)

    def command(self, host: str, argv: Sequence[str]) -> list[str]:
        """
        Return the command that runs `argv` on the host.

        :raises HostOff: if the host is off
        """
        return hosts.command(self.layout, self.topology.host(host), argv)

    def is_reached(self, host: str, *, asked_from: str) -> bool:
        """Test if what one host sends to `host` arrives, whatever may be asked of it there."""
        return openings.is_reached(self.layout, self.topology, host, asked_from=asked_from)

    def patroni(self, host: str | None = None) -> dict[str, Any]:
        """
        Return what Patroni says about the cluster, as `host` or the first that answers sees it.

        :raises ClusterSilent: if nobody answers
        """
        if host is None:
            return cluster.ask_any(self.layout, self.topology)
        return cluster.ask(self.layout, self.topology, self.topology.host(host))

    def primary(self) -> str | None:
        """Return the host that holds the leader's key now, or none."""
        try:
            return cluster.primary(self.patroni())
        except cluster.ClusterSilent:
            return None

    def switchover(
        self, to: str | None = None, *, say: Callable[[str], None] = handover.silent
    ) -> Report:
        """
        Let `to`, or the replica that is furthest, lead from now on; return how that went.

        :raises LabFailed: if it is refused (nothing has changed then) or does not come to its end
        """
        return handover.switchover(self.layout, self.topology, to=to, say=say)

    def query(self, sql: str, host: str | None = None) -> list[dict[str, Any]]:
        """
        Return the rows of one query, asked as `postgres` on the primary or on `host`.

        :raises CommandFailed: if PostgreSQL refuses the query
        """
        return cluster.rows(self.psql(cluster.as_json_rows(sql), host))

    def psql(self, script: str, host: str | None = None, *, timeout_s: float = QUERY_S) -> str:
        """
        Run a script of statements as `postgres` on the primary or on `host`, and return its rows.

        :raises CommandFailed: if PostgreSQL refuses a statement; none after it is run
        """
        where = host or self.primary()
        if where is None:
            raise cluster.ClusterSilent("there is no primary to ask")
        port = str(self.topology.ports.postgres)
        psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", SOCKET_FOLDER, "-p", port]
        argv = ["runuser", "-u", "postgres", "--", *psql, "-d", DATABASE, "-f", "-"]
        return self.exec(where, argv, input=script, timeout_s=timeout_s)

    def pids(self, host: str) -> list[int]:
        """Return the pids (this machine's) of every process of the host; empty if it is off."""
        init = self._look_up(host)
        return [process.pid for process in processes.of_host(init)] if init else []

    def programs(self, host: str) -> list[Program]:
        """
        Return the programs of the host and their states.

        :raises HostOff: if the host is off
        :raises SupervisorSilent: if its supervisor does not answer
        """
        return supervision.programs(self._init(host))

    def holders_of_virtual_address(self) -> list[str]:
        """Return the edge hosts that have the virtual address: one, if all is well."""
        return [
            host.name for host in self.topology.with_role("edge") if self._has_virtual_address(host)
        ]

    def _has_virtual_address(self, host: Host) -> bool:
        if not network.is_link_up(self.layout, host.name):
            return False
        return self.topology.virtual_address in network.addresses(self.layout, host.name)


def open_lab(name: str = "main") -> Lab:
    """
    Return the lab called `name`.

    :raises LabUnknown: if none of that name was brought up
    :raises LabDown: if it was taken down, its data kept
    """
    lab = Lab(Layout(name))
    if not network.exists(lab.layout.bridge):
        raise state.LabDown(
            f"the lab {name!r} is down, its data are kept; `evergrid-ha lab up --name {name}`"
            " starts it"
        )
    return lab


def _url(address: str, port: int) -> str:
    """Return the address of a web server; the port of HTTPS itself goes without saying."""
    return f"https://{address}" if port == 443 else f"https://{address}:{port}"  # noqa: PLR2004
