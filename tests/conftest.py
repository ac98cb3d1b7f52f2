"""A real PostgreSQL for every test of this folder, made once and thrown away."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from service.domain.idempotency import Once
from service.domain.principals import Caller
from service.store import migrate, roles
from service.store.database import Database

BIN = Path("/usr/lib/postgresql/15/bin")
PASSWORDS = roles.Passwords(
    evergrid_owner="owner", evergrid_api="api", evergrid_worker="worker", evergrid_audit="audit"
)
# Migrations make partitions around the day they run on; the tests live in a year of their own.
PARTITIONS = """
SELECT sum(evergrid.make_partitions(parent.oid, '2026-01-01', 12))
  FROM pg_catalog.pg_partitioned_table AS cut
  JOIN pg_catalog.pg_class AS parent ON parent.oid = cut.partrelid
 WHERE parent.relnamespace = 'evergrid'::regnamespace
"""
NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)  # ten in the morning of the fifteenth, in Beijing


# Below those that the kernel gives to whoever connects (ip_local_port_range), a thousand for each
# process of pytest: a server that is stopped for a moment finds its port free again.
_PORTS = itertools.count(
    21_000 + 1_000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10)
)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on; never the same one twice."""
    for port in _PORTS:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("there is always a next one")


class Server:
    """One PostgreSQL of our own; runs as `postgres`, because it refuses to run as root."""

    def __init__(
        self, folder: Path, *, replica_of: Server | None = None, data: Path | None = None
    ) -> None:
        """Make one: empty, from the `data` of one that is stopped, or cloned from one that runs."""
        self.folder = folder
        self.port = free_port()
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        if data is not None:
            subprocess.run(["cp", "-a", str(data), str(folder / "data")], check=True)
            self._set(port=self.port, unix_socket_directories=folder)
        elif replica_of is None:
            self._initialise()
        else:
            self._clone(replica_of)
        if data is not None and replica_of is not None:
            self._set(primary_conninfo=replica_of.dsn("postgres", "postgres"))
            (folder / "data/standby.signal").touch()
        self.start()

    def _initialise(self) -> None:
        self._run(
            "initdb",
            "-D",
            str(self.folder / "data"),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )
        with (self.folder / "data/postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self.folder}'\nfsync = off\nshared_buffers = 64MB\n"
                "max_connections = 60\nlc_messages = 'C'\ntimezone = 'UTC'\n"
                "wal_retrieve_retry_interval = 100ms\n"
            )

    def _clone(self, source: Server) -> None:
        self._run("pg_basebackup", "-d", source.dsn("postgres", "postgres"), "-X", "stream",
                  "-c", "fast", "--no-sync", "-R", "-D", str(self.folder / "data"))  # fmt: skip
        self._set(port=self.port, unix_socket_directories=self.folder)

    def _set(self, **wanted: object) -> None:
        """Add settings: the last line that names one counts."""
        with (self.folder / "data/postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in wanted.items())

    def dsn(self, role: str, database: str = "evergrid") -> str:
        """Return the address of a database, for a role."""
        return f"host=127.0.0.1 port={self.port} user={role} dbname={database} connect_timeout=5"

    def start(self) -> None:
        """Start the server; return once it answers."""
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; `immediate` is what a crash is."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")

    def promote(self) -> None:
        """Make the replica a primary; return once it is."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "promote")

    def superuser(self, statement: str, database: str = "evergrid") -> list[tuple]:
        """Run one statement past every fence; return its rows."""
        connection = psycopg2.connect(self.dsn("postgres", database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        # The pipes must not be inherited by the server, or run() would wait for its end.
        with (self.folder / f"{program}.out").open("ab") as out:
            subprocess.run(
                [
                    "setpriv",
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    str(BIN / program),
                    *arguments,
                ],
                check=True,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd="/",
                timeout=60,
            )


@contextmanager
def running() -> Iterator[Server]:
    """Run a server with the roles and an empty database `evergrid`."""
    folder = Path(tempfile.mkdtemp(prefix="evergrid-test-"))
    server = Server(folder)
    try:
        roles.prepare(dsn=server.dsn("postgres", "postgres"), passwords=PASSWORDS)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def fill(server: Server) -> None:
    """Bring the schema up to date; make two bureaus."""
    migrate.migrate(
        dsn=server.dsn("evergrid_owner"),
        migrations=migrate.in_order(),
        phases=frozenset({"pre", "post"}),
    )
    server.superuser(PARTITIONS)
    server.superuser("INSERT INTO evergrid.bureau VALUES (1, 'Tianshan'), (2, 'Kunlun')")


class Callers:
    """Makes callers: `callers("hall_clerk", bureau=1)`; the same one for the same question."""

    def __init__(self, server: Server) -> None:
        """Make them in the database of `server`."""
        self._server = server
        self._made: dict[tuple[str, int | None], Caller] = {}
        self._one_at_a_time = threading.Lock()  # tests ask from many threads at the same moment

    def __call__(self, role: str, bureau: int | None = 1) -> Caller:
        """Return whoever has the role in the bureau; None for every bureau."""
        with self._one_at_a_time:
            if (role, bureau) not in self._made:
                name = f"{role} of {bureau or 'all'}"
                rows = self._server.superuser(
                    "INSERT INTO evergrid.principal (name, role, bureau_id) "
                    f"VALUES ('{name}', '{role}', {bureau or 'NULL'}) RETURNING principal_id"
                )
                self._made[role, bureau] = Caller(
                    principal_id=rows[0][0], name=name, role=role, bureau_id=bureau
                )
            return self._made[role, bureau]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with the roles and an empty database `evergrid`."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(server: Server) -> Server:
    """The server, its schema up to date, with two bureaus."""
    fill(server)
    return server


@pytest.fixture(scope="session")
def database(migrated: Server) -> Iterator[Database]:
    """The database as the API reaches it."""
    database = Database(dsn=migrated.dsn("evergrid_api"), connections_max=8)
    yield database
    database.close()


@pytest.fixture(scope="session")
def worker_database(migrated: Server) -> Iterator[Database]:
    """The database as the worker reaches it."""
    database = Database(dsn=migrated.dsn("evergrid_worker"), connections_max=4)
    yield database
    database.close()


@pytest.fixture(scope="session")
def caller(migrated: Server) -> Callers:
    """Make callers: `caller("hall_clerk", bureau=1)`; the same one for the same question."""
    return Callers(migrated)


@pytest.fixture
def now() -> datetime:
    """The moment that a test happens at."""
    return NOW


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that moves: one second a look."""
    ticks = itertools.count()
    return lambda: NOW + timedelta(seconds=next(ticks))


@pytest.fixture
def deadline() -> float:
    """A deadline that no healthy database reaches."""
    return time.monotonic() + 20.0


_KEYS = itertools.count(1)


def make_once(key: str | None = None, request: bytes = b"") -> Once:
    """Make an idempotency key: a fresh one, unless `key` says otherwise."""
    return Once(key=key or f"key-{next(_KEYS)}", request_sha256=request.ljust(32, b"\0")[:32])


@pytest.fixture(scope="session")
def once() -> Callable[..., Once]:
    """Make idempotency keys: each fresh, unless `key` says otherwise."""
    return make_once
