"""Environment: the variables the service is started with."""

from __future__ import annotations

from collections.abc import Mapping

from ha.certificates import AUTHORITY_FILE, POSTGRESQL
from ha.secrets import Secrets
from ha.topology import Host, Topology

DATABASE = "evergrid"
# Connections of one API process to write on the primary, a third as many to read there, as many
# again to the replicas. Eight do all the work of two disks: more are opened only while each waits,
# for a slow network (100 payments/s at 1.3 s each) or for a replica that is gone. Two processes on
# each of two hosts then hold 256 of a primary's 280, which the load balancer keeps them below.
CONNECTIONS_MAX = 48

# Through the HAProxy beside the caller, whichever server that leads to: each of them proves that it
# is a PostgreSQL of this data centre. Nobody here has Kerberos, which libpq would ask for first.
_NEXT_DOOR = (
    f"host={POSTGRESQL} hostaddr=127.0.0.1 sslmode=verify-full "
    f"sslrootcert=/etc/evergrid/{AUTHORITY_FILE} gssencmode=disable"
)
# The client's side notices a dead server: probing after 2 s of silence, given up after 3 more;
# unanswered data is given up after 5 s. Opening a connection may take 2 s, libpq's least.
_LIBPQ = (
    "connect_timeout=2 keepalives=1 keepalives_idle=2 "
    "keepalives_interval=1 keepalives_count=3 tcp_user_timeout=5000"
)
# The server's side notices a dead app host within 2 s: until then its open transaction holds the
# rows a retry of the same payment needs (with Linux' defaults: two hours).
_SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "1",
    "tcp_user_timeout": "2000",
}


def of_service(topology: Topology, secrets: Secrets, host: Host) -> dict[str, str]:
    """Return what the API and the worker on `host` are told."""
    return {
        "EVERGRID_HOST": host.name,
        "EVERGRID_PRIMARY_DSN": _dsn(topology, "evergrid_api", secrets.api_password),
        "EVERGRID_REPLICA_DSN": _replica_dsn(topology, "evergrid_api", secrets.api_password),
        "EVERGRID_WORKER_DSN": _dsn(topology, "evergrid_worker", secrets.worker_password),
        "EVERGRID_SIGNING_KEY": secrets.signing_key,
        "EVERGRID_CONNECTIONS_MAX": str(CONNECTIONS_MAX),
        "EVERGRID_SERVERS_PORT": str(topology.ports.postgres),
        "EVERGRID_DEADLINE_S": str(topology.timings.api_deadline),
        "EVERGRID_WORKER_METRICS_PORT": str(topology.ports.worker_metrics),
    }


def of_roles(topology: Topology, secrets: Secrets) -> dict[str, str]:
    """
    Return what the commands that create roles or migrate are told, on any app host.

    It stays out of every file: no process that runs for long can become the owner of the tables.
    """
    return {
        "EVERGRID_ADMIN_DSN": _dsn(topology, "postgres", secrets.postgres_password, "postgres"),
        "EVERGRID_OWNER_DSN": _dsn(topology, "evergrid_owner", secrets.owner_password),
        "EVERGRID_OWNER_PASSWORD": secrets.owner_password,
        "EVERGRID_API_PASSWORD": secrets.api_password,
        "EVERGRID_WORKER_PASSWORD": secrets.worker_password,
        "EVERGRID_AUDIT_PASSWORD": secrets.audit_password,
    }


def _dsn(topology: Topology, user: str, password: str, database: str = DATABASE) -> str:
    """Return how to reach the primary from an app host, through the HAProxy beside the caller."""
    where = f"port={topology.ports.local_primary} dbname={database} target_session_attrs=read-write"
    return _through(where, user, password, _SESSION)


def _replica_dsn(topology: Topology, user: str, password: str) -> str:
    """Return how to reach the replicas, or the primary while there are none, in the same way."""
    where = f"port={topology.ports.local_replica} dbname={DATABASE}"
    return _through(where, user, password, {**_SESSION, "default_transaction_read_only": "on"})


def _through(where: str, user: str, password: str, session: Mapping[str, str]) -> str:
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    return f"{_NEXT_DOOR} {where} user={user} password={password} {_LIBPQ} options='{options}'"
