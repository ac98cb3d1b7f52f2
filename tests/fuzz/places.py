"""A database of the fuzzer's own: what it sends locks people out, and fills what others count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.store.database import Database
from tests import conftest
from tests.fuzz import worlds
from tests.integration import issuers


@contextmanager
def own() -> Iterator[tuple[str, worlds.World]]:
    """Make a world in a database of its own; give the database's address with it."""
    with conftest.running() as server, issuers.running() as issuer:
        conftest.fill(server)
        databases = {
            role: Database(dsn=server.dsn(f"evergrid_{role}"), connections_max=2)
            for role in ("api", "worker", "owner")
        }
        means = worlds.Means(
            server=server,
            database=databases["api"],
            worker_database=databases["worker"],
            owner_database=databases["owner"],
            caller=conftest.Callers(server),
            once=conftest.make_once,
            now=conftest.NOW,
        )
        world = worlds.made(means, issuer)
        for database in databases.values():
            database.close()
        yield server.dsn("evergrid_api"), world
