"""The worker forgets what no sign-in asks for any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.usecases.sessions import forget_old_sign_ins
from tests.conftest import NOW

LONG_AGO = NOW - timedelta(days=3_000)


@pytest.fixture
def left(migrated):
    """What is left of a session and of failures whose time is `ago` before `LONG_AGO`."""
    migrated.superuser(
        "WITH someone AS (INSERT INTO evergrid.principal (name, role) "
        "VALUES ('forgotten', 'auditor') ON CONFLICT (name) DO UPDATE SET name = 'forgotten' "
        "RETURNING principal_id) INSERT INTO evergrid.staff "
        f"SELECT principal_id, NULL, 'Li', '{NOW}', NULL, false, NULL FROM someone "
        "ON CONFLICT DO NOTHING"
    )

    def found(what, ago):
        time = LONG_AGO - ago
        migrated.superuser(
            "DELETE FROM evergrid.staff_session WHERE session_id = repeat('f', 32); "
            "INSERT INTO evergrid.staff_session SELECT repeat('f', 32), principal_id, "
            f"'{time - timedelta(hours=10)}', '{time}', NULL, false FROM evergrid.principal "
            "WHERE name = 'forgotten'; "
            "DELETE FROM evergrid.sign_in_failure WHERE subject = sha256('forgotten'); "
            "INSERT INTO evergrid.sign_in_failure VALUES "
            f"(sha256('forgotten'), 1, '{time}', '{time}')"
        )
        yield
        column, value = {
            "session": ("session_id", "repeat('f', 32)"),
            "failure": ("subject", "sha256('forgotten')"),
        }[what]
        table = {"session": "staff_session", "failure": "sign_in_failure"}[what]
        yield migrated.superuser(f"SELECT count(*) FROM evergrid.{table} WHERE {column} = {value}")[
            0
        ][0]

    return found


@pytest.mark.parametrize(
    ("what", "ago", "rows"),
    [
        ("session", timedelta(days=89), 1),
        ("session", timedelta(days=91), 0),
        ("failure", timedelta(days=1), 1),
        ("failure", timedelta(days=3), 0),
    ],
)
def test_old_sign_ins_are_forgotten_in_time(worker_database, left, deadline, what, ago, rows):
    kept = left(what, ago)
    next(kept)
    forget_old_sign_ins(database=worker_database, now=LONG_AGO, deadline=deadline)

    assert next(kept) == rows
