"""Programs: the processes of each role with how they are started or stopped."""

from __future__ import annotations

from dataclasses import dataclass

from ha.topology import Host, Role, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    One process a host keeps running, restarted whenever it ends.

    Its children outlive a killed process unless `takes_children`; see `_database`.
    """

    name: str
    command: str
    user: str
    environment: str = ""
    stop_signal: str = "TERM"
    stop_wait_s: int
    takes_children: bool = True
    priority: int = 100


def of(host: Host, *, topology: Topology, release: str) -> tuple[Program, ...]:
    """Return the programs of `host`, run from the installed product at `release`."""
    return tuple(
        program for role in host.roles for program in _OF_ROLE[role](host, topology, release)
    )


def _database(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    """
    Return Patroni, which starts PostgreSQL itself.

    A killed Patroni must leave PostgreSQL serving: its successor adopts it (systemd says
    KillMode=process for this). On INT it stops PostgreSQL first: primary_stop_timeout and a bit.
    """
    command = f"{release}/bin/python -m patroni /etc/evergrid/patroni.yml"
    patroni = Program(
        name="patroni",
        command=command,
        user="postgres",
        stop_signal="INT",
        stop_wait_s=30,
        takes_children=False,
    )
    return (patroni,)


def _dcs(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    command = "/usr/bin/etcd --config-file=/etc/evergrid/etcd.yml"
    return (Program(name="etcd", command=command, user="etcd", stop_wait_s=10),)


def _app(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    """
    Return the way to the primary, the API, then the worker.

    The API is left the time of its slowest request before it is killed, a worker the time of one
    chunk of bills; the way to the primary stops last.
    """
    way = Program(
        name="haproxy",
        command="/usr/sbin/haproxy -W -db -f /etc/evergrid/haproxy.cfg",
        user="haproxy",
        stop_wait_s=5,
        priority=50,
    )
    api = Program(
        name="api",
        command=_told(
            f"{release}/bin/python -m gunicorn -c /etc/evergrid/gunicorn.conf.py service.wsgi:app"
        ),
        user="evergrid",
        environment='PROMETHEUS_MULTIPROC_DIR="/run/evergrid/metrics"',
        stop_wait_s=topology.timings.edge_server + 5,
    )
    worker = Program(
        name="worker",
        command=_told(f"{release}/bin/evergrid-service worker"),
        user="evergrid",
        stop_wait_s=30,
    )
    return (way, api, worker)


def _edge(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    """
    Return the load balancer, then who holds the virtual address.

    Stopping begins with keepalived, so that the address has moved before the balancer goes; then
    the balancer finishes what it has (USR1). `edge.sh` leaves a child that must outlive it, to say
    so. keepalived is the one process that stays root: it sets addresses.
    """
    haproxy = Program(
        name="haproxy",
        command="/bin/bash /etc/evergrid/edge.sh",
        user="haproxy",
        stop_signal="USR1",
        stop_wait_s=topology.timings.client,
        takes_children=False,
        priority=50,
    )
    keepalived = Program(
        name="keepalived",
        command=(
            "/usr/sbin/keepalived --vrrp --dont-fork --log-console "
            "--use-file=/etc/evergrid/keepalived.conf "
            "--pid=/run/evergrid/keepalived.pid --vrrp_pid=/run/evergrid/vrrp.pid"
        ),
        user="root",
        stop_wait_s=5,
    )
    return (haproxy, keepalived)


def _monitor(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    command = (
        "/usr/bin/prometheus --config.file=/etc/evergrid/prometheus.yml "
        "--storage.tsdb.path=/var/lib/evergrid/prometheus --storage.tsdb.retention.time=15d "
        f"--web.listen-address={host.address}:{topology.ports.prometheus}"
    )
    return (Program(name="prometheus", command=command, user="prometheus", stop_wait_s=30),)


def _client(host: Host, topology: Topology, release: str) -> tuple[Program, ...]:
    return ()


def _told(command: str) -> str:
    """Return `command` run with the variables of service.env, which systemd would read itself."""
    return f'/bin/sh -c "set -a && . /etc/evergrid/service.env && set +a && exec {command}"'


_OF_ROLE = {
    "database": _database,
    "dcs": _dcs,
    "app": _app,
    "edge": _edge,
    "monitor": _monitor,
    "client": _client,
}
