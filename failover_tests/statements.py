"""The statements that drills ask the database, in `sql/*.sql`, a file each."""

from __future__ import annotations

from importlib import resources


def statement(name: str) -> str:
    """Return the statement in `sql/<name>.sql`."""
    return (resources.files("failover_tests") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
