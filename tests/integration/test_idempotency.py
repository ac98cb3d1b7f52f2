"""How long an Idempotency-Key is remembered."""

from __future__ import annotations

from datetime import UTC, datetime

from service.usecases.once import forget_old_keys


def months_kept(migrated) -> set[str]:
    rows = migrated.superuser(
        "SELECT right(inhrelid::regclass::text, 6) FROM pg_inherits "
        "WHERE inhparent = 'evergrid.idempotency_key'::regclass"
    )
    return {row[0] for row in rows}


def test_a_month_is_forgotten_once_its_last_key_is_old_enough(migrated, worker_database, deadline):
    migrated.superuser(
        "SELECT evergrid.make_partitions('evergrid.idempotency_key', '2020-01-01', 3)"
    )

    forgotten = forget_old_keys(
        database=worker_database, now=datetime(2020, 3, 4, tzinfo=UTC), deadline=deadline
    )

    assert forgotten == 1
    assert "202001" not in months_kept(migrated)
    assert {"202002", "202003"} <= months_kept(migrated)
    migrated.superuser(
        "DROP TABLE evergrid.idempotency_key_202002, evergrid.idempotency_key_202003"
    )


def test_whatever_the_clock_says_thirty_days_are_kept(migrated, worker_database, deadline):
    before = months_kept(migrated)
    this_month = datetime.now(UTC).strftime("%Y%m")

    migrated.superuser("BEGIN; SELECT evergrid.forget_idempotency_keys('2090-01-01'); ROLLBACK")
    (row,) = migrated.superuser(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'evergrid.idempotency_key'::regclass"
    )

    assert this_month in before
    assert row[0] == len(before)
