"""The programs' own roles in the database, each with the least it needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import resources

from psycopg2 import extensions, sql

from service.store.connection import on_primary

_DATABASE = "evergrid"
# COPY refuses tables under row-level security, so the worker, which serves every bureau, goes round
# it and names the bureau in each statement; the API never does.
_ATTRIBUTES = {
    "evergrid_owner": "",
    "evergrid_api": "",
    "evergrid_worker": "BYPASSRLS",
    "evergrid_audit": "",
}
# Plans outlive what they were made of: on an empty partition of a month reading all of it looks
# cheapest. A worker that had planned so billed 300 accounts a second instead of 3,000. Where no
# index fits, all of it is read as before; `jit` is off (patroni.yml), or that would be compiled.
_INDEXES = {"enable_seqscan": "off"}
_SETTINGS = {
    "evergrid_api": {
        "search_path": "evergrid",
        "plan_cache_mode": "force_generic_plan",
        **_INDEXES,
    },
    # A chunk takes a tenth of a second: what takes this long is stuck, ended, tried again.
    "evergrid_worker": {"search_path": "evergrid", "statement_timeout": "60s", **_INDEXES},
    "evergrid_audit": {
        "search_path": "evergrid",
        "evergrid.bureau": "*",
        "default_transaction_read_only": "on",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """The password of each role."""

    evergrid_owner: str
    evergrid_api: str
    evergrid_worker: str
    evergrid_audit: str


def prepare(*, dsn: str, passwords: Passwords) -> None:
    """
    Create the roles and the database, or bring them up to date; `dsn` is a superuser's.

    Safe to repeat; a changed password takes effect at the next login.
    """
    on_primary(dsn, partial(_prepare_roles, passwords))
    on_primary(dsn, _prepare_functions, dbname=_DATABASE)


def _prepare_roles(passwords: Passwords, connection: extensions.connection) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        # The passwords below must not reach the server's log, whatever it logs.
        cursor.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        for role, attributes in _ATTRIBUTES.items():
            _prepare_role(cursor, role, attributes, getattr(passwords, role))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(_formatted("CREATE DATABASE {} OWNER evergrid_owner", _DATABASE))


def _prepare_functions(connection: extensions.connection) -> None:
    """Make what only a superuser may look up available to our roles, question by question."""
    file = resources.files("service.store") / "privileged.sql"
    with connection, connection.cursor() as cursor:
        cursor.execute(file.read_text(encoding="utf-8"))


def _prepare_role(cursor: extensions.cursor, role: str, attributes: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    verb = "CREATE" if cursor.fetchone() is None else "ALTER"
    statement = sql.SQL(f"{verb} ROLE {{}} LOGIN {attributes} PASSWORD %s")
    cursor.execute(statement.format(sql.Identifier(role)), (password,))
    for name, value in _SETTINGS.get(role, {}).items():
        setting = sql.SQL("ALTER ROLE {} SET {} = %s")
        cursor.execute(
            setting.format(sql.Identifier(role), sql.Identifier(*name.split("."))), (value,)
        )


def _formatted(statement: str, name: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(name))
