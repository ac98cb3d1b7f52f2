"""The statements that drills ask the database, in `sql/*.sql`, a file each."""

from __future__ import annotations

from ha import statements


def statement(name: str) -> str:
    """Return the statement in `sql/<name>.sql`."""
    return statements.read(name, of="failover_tests")
