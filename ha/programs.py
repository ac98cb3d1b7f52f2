"""Programs: the processes of each role with how they are started or stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ha.topology import Host, Role, Timings, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    One process a host keeps running, restarted whenever it ends.

    `takes_children`: when it has to be killed, its process group goes with it. `socket`: what the
    supervisor listens at in its place, so that nobody is refused while it starts anew.
    """

    name: str
    command: str
    user: str
    environment: str = ""
    stop_signal: str = "TERM"
    stop_wait_s: int
    takes_children: bool = True
    priority: int = 100
    socket: str = ""


def of(host: Host, *, topology: Topology, release: str) -> tuple[Program, ...]:
    """
    Return the programs of `host`, run from the installed product at `release`.

    Those of a lesser priority start first, end last.
    """
    timings = topology.timings
    of_role: dict[Role, tuple[Program, ...]] = {
        "database": (
            _PGBACKREST_BESIDE_POSTGRESQL,
            _patroni(release),
            _warden(release, f"{host.address}:{topology.ports.warden}"),
        ),
        "dcs": (_ETCD,),
        "app": (_WAY_TO_THE_PRIMARY, _api(release, timings), _worker(release)),
        "edge": (_edge(timings), _KEEPALIVED),
        "monitor": (_prometheus(f"{host.address}:{topology.ports.prometheus}"),),
        "backup": (_PGBACKREST, _backups(topology, host, release)),
        "client": (),
    }
    return tuple(program for role in host.roles for program in of_role[role])


def _patroni(release: str) -> Program:
    """
    Return Patroni, which starts PostgreSQL itself.

    A killed Patroni must leave PostgreSQL serving: its successor adopts it (systemd says
    KillMode=process for this). On INT it stops PostgreSQL first: primary_stop_timeout, doubled.
    """
    return Program(
        name="patroni",
        # Its PostgreSQL inherits its standard input: a backend that outlives a killed postmaster
        # may read from it (seen), and must find its end there, as under systemd.
        command=(
            '/bin/sh -c "exec '
            f'{release}/bin/python -m ha.patroni_main /etc/evergrid/patroni.yml </dev/null"'
        ),
        user="postgres",
        stop_signal="INT",
        stop_wait_s=30,
        takes_children=False,
    )


# On the backup host it goes before the backups themselves, which are nicer still.
_PGBACKREST = Program(
    name="pgbackrest",
    command="nice -n 10 /usr/bin/pgbackrest --config=/etc/evergrid/pgbackrest.conf server",
    user="postgres",
    stop_wait_s=5,
    priority=50,
)
# Hands the data to the backup host when there is nothing better to do.
_PGBACKREST_BESIDE_POSTGRESQL = replace(
    _PGBACKREST, command=_PGBACKREST.command.replace("nice -n 10", "nice -n 19")
)


def _backups(topology: Topology, host: Host, release: str) -> Program:
    """
    Return what takes the backups when they are due; a backup that is interrupted is resumed.

    It gives way to everything else: archiving must not wait for a backup.
    """
    listen = f"{host.address}:{topology.ports.backup_metrics}"
    return Program(
        name="backups",
        command=(
            f"nice -n 19 {release}/bin/python -m ha.backups "
            f"--stanza={topology.name} --listen={listen}"
        ),
        user="postgres",
        stop_wait_s=10,
    )


def _warden(release: str, listen: str) -> Program:
    """
    Return the warden: PostgreSQL's own user, with the right to set routes, ahead of everybody.

    At real-time priority, because a late answer of its own would look like a lost host.
    """
    as_postgres = (
        "/usr/bin/setpriv --reuid=postgres --regid=postgres --init-groups "
        "--inh-caps=+net_admin --ambient-caps=+net_admin"
    )
    return Program(
        name="warden",
        command=f"/usr/bin/chrt --rr 10 {as_postgres} {release}/bin/python -m ha.warden",
        user="root",
        stop_wait_s=5,
        socket=listen,
    )


_ETCD = Program(
    name="etcd",
    command="/usr/bin/etcd --config-file=/etc/evergrid/etcd.yml",
    user="etcd",
    stop_wait_s=10,
)

_WAY_TO_THE_PRIMARY = Program(
    name="haproxy",
    command="/usr/sbin/haproxy -W -db -f /etc/evergrid/haproxy.cfg",
    user="haproxy",
    stop_wait_s=5,
    priority=50,
)


def _api(release: str, timings: Timings) -> Program:
    """Return the API; stopping leaves it the time of its slowest request."""
    gunicorn = f"{release}/bin/python -m gunicorn -c /etc/evergrid/gunicorn.conf.py"
    return Program(
        name="api",
        command=_told(f"{gunicorn} service.wsgi:app"),
        user="evergrid",
        environment='PROMETHEUS_MULTIPROC_DIR="/run/evergrid/metrics"',
        stop_wait_s=timings.edge_server + 5,
    )


def _worker(release: str) -> Program:
    """Return the worker; stopping leaves it the time of one chunk of bills."""
    return Program(
        name="worker",
        command=_told(f"{release}/bin/evergrid-service worker"),
        user="evergrid",
        stop_wait_s=30,
    )


def _edge(timings: Timings) -> Program:
    """
    Return the load balancer; stopping (USR1) lets it finish what it has.

    `edge.sh` leaves a watcher that must outlive it, to say that it ended.
    """
    return Program(
        name="haproxy",
        command="/bin/bash /etc/evergrid/edge.sh",
        user="haproxy",
        stop_signal="USR1",
        stop_wait_s=timings.client,
        takes_children=False,
        priority=50,
    )


# The one process that stays root: it sets addresses.
_KEEPALIVED = Program(
    name="keepalived",
    command=(
        "/usr/sbin/keepalived --vrrp --dont-fork --log-console "
        "--use-file=/etc/evergrid/keepalived.conf "
        "--pid=/run/evergrid/keepalived.pid --vrrp_pid=/run/evergrid/vrrp.pid"
    ),
    user="root",
    stop_wait_s=5,
)


def _prometheus(listen: str) -> Program:
    """Return Prometheus, listening at `listen`; it keeps what it measured for 15 days."""
    return Program(
        name="prometheus",
        command=(
            "/usr/bin/prometheus --config.file=/etc/evergrid/prometheus.yml "
            "--storage.tsdb.path=/var/lib/evergrid/prometheus --storage.tsdb.retention.time=15d "
            f"--web.listen-address={listen}"
        ),
        user="prometheus",
        stop_wait_s=30,
    )


def _told(command: str) -> str:
    """Return `command` run with the variables of service.env, which systemd would read itself."""
    return f'/bin/sh -c "set -a && . /etc/evergrid/service.env && set +a && exec {command}"'
