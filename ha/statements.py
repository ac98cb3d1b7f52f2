"""The statements that operations ask a database, in `sql/*.sql`, a file each."""

from __future__ import annotations

from importlib import resources


def statement(name: str) -> str:
    """Return the statement in `sql/<name>.sql`, without the comment on what it is for."""
    text = (resources.files("ha") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    lines = text.splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))
