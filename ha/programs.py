"""Programs: the processes of each role, for whatever supervises them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ha.topology import Host, Role, Timings, Topology

# Where a program may write; everything else is read-only to it (units.py).
_DATA = "/var/lib/evergrid"
_RUN = "/run/evergrid"
_LOG = "/var/log/evergrid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    One process a host keeps running, restarted whenever it ends.

    `command` is run without a shell, as `user`. `is_told`: with the variables of service.env.
    `capabilities` are what it may do beyond its user; `realtime` is its round-robin priority, 0 for
    none; `oom_score` what the kernel adds before it chooses whom to end when memory is short.
    `takes_children`: when it has to be killed, its children go with it. `reload_signal` makes it
    read its configuration anew. `socket`: what the supervisor listens at in its place, so that
    nobody is refused while it starts anew. `writes` are the folders that it may change. One with a
    `watchdog_s` that gives no sign of life for so long (`ha.watchdog`) is started anew. One that
    `asks_kernel` is told by it how far away the hosts are that it is connected to.
    """

    name: str
    command: str
    user: str
    environment: tuple[tuple[str, str], ...] = ()
    is_told: bool = False
    capabilities: tuple[str, ...] = ()
    realtime: int = 0
    nice: int = 0
    oom_score: int = 0
    stop_signal: str = "TERM"
    stop_wait_s: int
    reload_signal: str = ""
    takes_children: bool = True
    priority: int = 100
    socket: str = ""
    writes: tuple[str, ...] = ()
    watchdog_s: int = 0
    asks_kernel: bool = False


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
        "monitor": (
            _prometheus(f"{host.address}:{topology.ports.prometheus}"),
            _blackbox(f"127.0.0.1:{topology.ports.blackbox}"),
        ),
        "backup": (_PGBACKREST, _backups(topology, host, release)),
        "client": (),
    }
    return tuple(program for role in host.roles for program in of_role[role])


def _patroni(release: str) -> Program:
    """
    Return Patroni, which starts PostgreSQL itself.

    A killed Patroni must leave PostgreSQL serving: its successor adopts it. On INT it stops
    PostgreSQL first: primary_stop_timeout, doubled. Of all the processes it is the last that the
    kernel may end, PostgreSQL's postmaster with it; the postmaster's own children are not spared
    (postgresql.org, "Linux Memory Overcommit").
    """
    return Program(
        name="patroni",
        command=f"{release}/bin/python -m ha.patroni_main /etc/evergrid/patroni.yml",
        user="postgres",
        environment=(
            ("PG_OOM_ADJUST_FILE", "/proc/self/oom_score_adj"),
            ("PG_OOM_ADJUST_VALUE", "0"),
        ),
        oom_score=-900,
        stop_signal="INT",
        stop_wait_s=30,
        reload_signal="HUP",
        takes_children=False,
        writes=(_DATA, _RUN, f"{_LOG}/postgresql"),
    )


# On the backup host it goes before the backups themselves, which are nicer still.
_PGBACKREST = Program(
    name="pgbackrest",
    command="/usr/bin/pgbackrest --config=/etc/evergrid/pgbackrest.conf server",
    user="postgres",
    nice=10,
    stop_wait_s=5,
    reload_signal="HUP",
    priority=50,
    writes=(_DATA, _RUN),
)
# Hands the data to the backup host when there is nothing better to do.
_PGBACKREST_BESIDE_POSTGRESQL = replace(_PGBACKREST, nice=19)


def _backups(topology: Topology, host: Host, release: str) -> Program:
    """
    Return what takes the backups when they are due; a backup that is interrupted is resumed.

    It gives way to everything else: archiving must not wait for a backup.
    """
    listen = f"{host.address}:{topology.ports.backup_metrics}"
    return Program(
        name="backups",
        command=f"{release}/bin/python -m ha.backups --stanza={topology.name} --listen={listen}",
        user="postgres",
        nice=19,
        stop_wait_s=10,
        writes=(_DATA, _RUN),
    )


def _warden(release: str, listen: str) -> Program:
    """
    Return the warden: PostgreSQL's own user, with the right to set routes, ahead of everybody.

    At real-time priority, because a late answer of its own would look like a lost host.
    """
    return Program(
        name="warden",
        command=f"{release}/bin/python -m ha.warden",
        user="postgres",
        capabilities=("net_admin",),
        realtime=10,
        oom_score=-900,
        stop_wait_s=5,
        socket=listen,
        watchdog_s=10,
        writes=(f"{_DATA}/postgresql", _RUN),
    )


_ETCD = Program(
    name="etcd",
    command="/usr/bin/etcd --config-file=/etc/evergrid/etcd.yml",
    user="etcd",
    oom_score=-900,
    stop_wait_s=10,
    writes=(f"{_DATA}/etcd",),
)

_WAY_TO_THE_PRIMARY = Program(
    name="haproxy",
    command="/usr/sbin/haproxy -W -db -f /etc/evergrid/haproxy.cfg",
    user="haproxy",
    oom_score=-500,
    stop_wait_s=5,
    reload_signal="USR2",
    priority=50,
    writes=(f"{_RUN}/haproxy",),
)


def _api(release: str, timings: Timings) -> Program:
    """Return the API; stopping leaves it the time of its slowest request."""
    gunicorn = f"{release}/bin/python -m gunicorn -c /etc/evergrid/gunicorn.conf.py"
    return Program(
        name="api",
        command=f"{gunicorn} service.wsgi:app",
        user="evergrid",
        environment=(("PROMETHEUS_MULTIPROC_DIR", f"{_RUN}/metrics"),),
        is_told=True,
        stop_wait_s=timings.edge_server + 5,
        reload_signal="HUP",
        writes=(f"{_RUN}/gunicorn", f"{_RUN}/metrics"),
        asks_kernel=True,
    )


def _worker(release: str) -> Program:
    """Return the worker; stopping leaves it the time of one chunk of bills."""
    return Program(
        name="worker",
        command=f"{release}/bin/evergrid-service worker",
        user="evergrid",
        is_told=True,
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
        oom_score=-500,
        stop_signal="USR1",
        stop_wait_s=timings.client,
        reload_signal="USR2",
        takes_children=False,
        priority=50,
        writes=(f"{_RUN}/haproxy",),
    )


# The one process that stays root: it sets addresses, and runs its check as another user.
_KEEPALIVED = Program(
    name="keepalived",
    command=(
        "/usr/sbin/keepalived --vrrp --dont-fork --log-console "
        "--use-file=/etc/evergrid/keepalived.conf "
        f"--pid={_RUN}/keepalived.pid --vrrp_pid={_RUN}/vrrp.pid"
    ),
    user="root",
    # Reads HAProxy's folder, ends a check of another user's, is never swapped out.
    capabilities=(
        "dac_read_search",
        "ipc_lock",
        "kill",
        "net_admin",
        "net_broadcast",
        "net_raw",
        "setgid",
        "setuid",
        "sys_nice",
    ),
    oom_score=-500,
    stop_wait_s=5,
    reload_signal="HUP",
    writes=(_RUN,),
)


def _prometheus(listen: str) -> Program:
    """Return Prometheus, listening at `listen`; it keeps what it measured for 15 days."""
    return Program(
        name="prometheus",
        command=(
            "/usr/bin/prometheus --config.file=/etc/evergrid/prometheus.yml "
            f"--storage.tsdb.path={_DATA}/prometheus --storage.tsdb.retention.time=15d "
            f"--web.listen-address={listen} --web.config.file=/etc/evergrid/prometheus_web.yml"
        ),
        user="prometheus",
        stop_wait_s=30,
        reload_signal="HUP",
        writes=(f"{_DATA}/prometheus",),
    )


def _blackbox(listen: str) -> Program:
    """Return what looks at certificates on behalf of the Prometheus beside it."""
    return Program(
        name="blackbox",
        command=(
            "/usr/bin/prometheus-blackbox-exporter --config.file=/etc/evergrid/blackbox.yml "
            f"--web.listen-address={listen} --log.level=warn"
        ),
        user="prometheus",
        stop_wait_s=5,
        reload_signal="HUP",
    )
