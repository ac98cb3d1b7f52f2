"""Plans of the statements that matter most, made while every partition was known to be empty."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest

from service.store import migrate, queries
from tests.integration.utilities import MAKE_PARTITIONS

MARCH = {"month": "2026-03-01", "year_starts": "2026-01-01", "next_month": "2026-04-01"}
BOUNDS = {
    "starts_at": datetime(2026, 2, 28, 16, tzinfo=UTC),
    "ends_at": datetime(2026, 3, 31, 16, tzinfo=UTC),
}
STATEMENTS = [
    (
        "evergrid_worker",
        "bill_chunks",
        "accounts_of_chunk",
        {
            "bureau_id": 1,
            "section_no": 1,
            "first_account_id": 1,
            "last_account_id": 500,
            "month": "2026-03-01",
        },
    ),
    (
        "evergrid_worker",
        "bill_chunks",
        "bases_of_chunk",
        {"bureau_id": 1, "account_ids": [1, 2], **MARCH, **BOUNDS},
    ),
    (
        "evergrid_worker",
        "year_tiers",
        "tiers_of_year",
        {
            "bureau_id": 1,
            "account_ids": [1, 2],
            "month": "2026-03-01",
            "year_starts": "2026-01-01",
            "year_ends": "2027-01-01",
            "persons_of_many": 5,
        },
    ),
    ("evergrid_api", "account_closings", "closing_of_account", {"account_no": "1000000005"}),
    (
        "evergrid_worker",
        "bill_chunks",
        "lock_accounts",
        {"bureau_id": 1, "account_ids": [1, 2]},
    ),
    ("evergrid_worker", "bill_chunks", "claim_chunk", {"passed_runs": [], "passed_chunks": []}),
    ("evergrid_worker", "bill_chunks", "oldest_unfinished", {}),
    ("evergrid_api", "bill_runs", "run_by_id", {"bill_run_id": 1}),
    ("evergrid_api", "bill_runs", "runs_before", {"before_no": 9, "limit": 51}),
    ("evergrid_api", "readings", "lock_meters", {"account_nos": ["1000000005"]}),
    ("evergrid_api", "accounts", "account_by_no", {"account_no": "1000000005"}),
    ("evergrid_api", "meter_exchanges", "meters_of_account", {"account_no": "1000000005"}),
    (
        "evergrid_api",
        "bills",
        "removed_meters_of_bill",
        {
            "account_no": "1000000005",
            "previous_read_at": BOUNDS["starts_at"],
            "read_at": BOUNDS["ends_at"],
            "issued_at": BOUNDS["ends_at"],
        },
    ),
    (
        "evergrid_api",
        "bills",
        "registers_of_bill",
        {
            "account_no": "1000000005",
            "previous_read_at": BOUNDS["starts_at"],
            "read_at": BOUNDS["ends_at"],
            "issued_at": BOUNDS["ends_at"],
        },
    ),
    (
        "evergrid_api",
        "bills",
        "bill_by_no",
        {"account_no": "1000000005", "month": "2026-03-01", "bill_no": "202603100000000501"},
    ),
    (
        "evergrid_api",
        "bill_cancellations",
        "standing",
        {"account_no": "1000000005", "month": "2026-03-01", "serial": 1},
    ),
    (
        "evergrid_api",
        "energy_corrections",
        "standing",
        {
            "account_no": "1000000005",
            "since": "2026-02-01",
            "until": "2026-04-01",
            "now": BOUNDS["ends_at"],
        },
    ),
    (
        "evergrid_api",
        "energy_corrections",
        "bills_to_correct",
        {
            "bureau_id": 1,
            "account_id": 1,
            "category": "residential",
            "since": BOUNDS["starts_at"],
            "until": BOUNDS["ends_at"],
        },
    ),
    ("evergrid_api", "energy_corrections", "bills_of_correction", {"correction_no": 1}),
    ("evergrid_api", "energy_corrections", "correction_by_no", {"correction_no": 1}),
    ("evergrid_api", "energy_corrections", "corrections_before", {"before_no": 9, "limit": 51}),
    ("evergrid_api", "settlements", "due", {"bureau_id": 1, "account_id": 1}),
    (
        "evergrid_worker",
        "bill_chunks",
        "spans_of_registers",
        {
            "bureau_id": 1,
            "account_ids": [1, 2],
            "previous_read_at": [BOUNDS["starts_at"]] * 2,
            "read_at": [BOUNDS["ends_at"]] * 2,
        },
    ),
    (
        "evergrid_worker",
        "bill_chunks",
        "demands_of_accounts",
        {
            "bureau_id": 1,
            "account_ids": [1, 2],
            "previous_read_at": [BOUNDS["starts_at"]] * 2,
            "read_at": [BOUNDS["ends_at"]] * 2,
        },
    ),
    (
        "evergrid_worker",
        "apportionments",
        "parts_of_accounts",
        {"bureau_id": 1, "account_ids": [1, 2], "month": "2026-03-01"},
    ),
    (
        "evergrid_worker",
        "supplies",
        "supplies_of_accounts",
        {"bureau_id": 1, "account_ids": [1, 2], "month": "2026-03-01"},
    ),
    (
        "evergrid_api",
        "readings",
        "registers_of_meters",
        {"meter_ids": [1], "read_at": [BOUNDS["starts_at"]]},
    ),
    (
        "evergrid_api",
        "reading_corrections",
        "standing_by_period",
        {"bureau_id": 1, "meter_id": 1, "read_at": BOUNDS["starts_at"]},
    ),
    ("evergrid_api", "readings", "pasts", {"account_nos": ["1000000005"], "bills_compared": 3}),
    ("evergrid_api", "payments", "payable", {"account_no": "1000000005"}),
    ("evergrid_api", "reading_findings", "open_findings_after", {"after_no": 0, "limit": 51}),
    ("evergrid_api", "reading_findings", "finding_by_no", {"finding_no": 1}),
    ("evergrid_api", "reading_plans", "stops_of_plan", {"plan_no": 1}),
    (
        "evergrid_api",
        "reading_plans",
        "plans_before",
        {"before_no": 9, "month": "2026-03-01", "limit": 51},
    ),
    (
        "evergrid_api",
        "bills",
        "bill_by_no",
        {"account_no": "1000000005", "month": "2026-03-01", "serial": 1, "bill_no": "1"},
    ),
]


@pytest.fixture(scope="module")
def analysed(server):
    """A database whose partitions were found empty: reading one as a whole costs nothing then."""
    server.superuser("CREATE DATABASE plans OWNER evergrid_owner", database="postgres")
    phases = frozenset({"pre", "post"})
    dsn = server.dsn("evergrid_owner", "plans")
    migrate.migrate(dsn=dsn, migrations=migrate.in_order(), phases=phases)
    server.superuser(MAKE_PARTITIONS, database="plans")
    server.superuser("ANALYZE", database="plans")
    yield server
    server.superuser("DROP DATABASE plans", database="postgres")


@pytest.mark.parametrize(("role", "noun", "name", "parameters"), STATEMENTS)
def test_no_partition_is_read_as_a_whole_for_having_been_empty(
    analysed, role, noun, name, parameters
):
    statement = queries.load(noun)[name]
    with (
        closing(psycopg2.connect(analysed.dsn(role, "plans"))) as connection,
        connection.cursor() as cursor,
    ):
        # The plan that is kept, not the first ones, which know their month.
        cursor.execute("SET evergrid.bureau = '1'; SET plan_cache_mode = force_generic_plan")
        cursor.execute(statement.prepare)
        cursor.execute("EXPLAIN " + statement.execute, parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan
