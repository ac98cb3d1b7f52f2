"""The statements that a package asks a database, in its `sql/*.sql`, a file each."""

from __future__ import annotations

from importlib import resources


def read(name: str, *, of: str) -> str:
    """Return the statement in `sql/<name>.sql` of a package, without the comment in front of it."""
    text = (resources.files(of) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def statement(name: str) -> str:
    """Return a statement of operations."""
    return read(name, of="ha")
