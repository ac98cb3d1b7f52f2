"""Loading the demo, on a real database of its own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec
import psycopg2
import pytest

from service.domain import account_numbers
from service.domain.bill_sign_offs import ControlSums
from service.domain.idempotency import Answer
from service.domain.months import Month
from service.domain.reading_batches import BatchLengthRefused
from service.store import migrate
from service.store.database import Database
from service.usecases import demo
from service.usecases.bill_chunks import bill_next_chunk
from service.usecases.bill_runs import approve_bill_run, bill_run_by_id, start_bill_run
from service.usecases.demo import DemoRefused, load_demo
from service.usecases.principals import caller_by_token
from tests.integration.utilities import MAKE_PARTITIONS

ACCOUNTS, MONTHS = 300, 2
ROLES = {
    "head_office", "billing_officer", "hall_clerk", "reader", "channel", "auditor", "data_migrator",
}  # fmt: skip
NEIGHBOURS = {f"{role}_2" for role in ROLES - {"head_office", "auditor"}}


@pytest.fixture(scope="module")
def fresh(server):
    """An empty, migrated database beside that of the other tests."""
    server.superuser("CREATE DATABASE demo OWNER evergrid_owner", database="postgres")
    phases = frozenset({"pre", "post"})
    dsn = server.dsn("evergrid_owner", "demo")
    migrate.migrate(dsn=dsn, migrations=migrate.in_order(), phases=phases)
    server.superuser(MAKE_PARTITIONS, database="demo")
    return server


@pytest.fixture(scope="module")
def owner(fresh):
    database = Database(dsn=fresh.dsn("evergrid_owner", "demo"), connections_max=2)
    yield database
    database.close()


@pytest.fixture(scope="module")
def loaded(owner):
    """The demo as loaded on the fifteenth of April."""
    now = datetime.fromisoformat("2026-04-15T10:00:00+08:00")
    return load_demo(owner, accounts=ACCOUNTS, months=MONTHS, now=now)


def test_the_demo_has_customers_with_a_reading_each_month(loaded, fresh):
    assert (loaded["bureau"], loaded["accounts"]) == (1, ACCOUNTS)
    assert loaded["months"] == ["2026-02", "2026-03"]
    assert account_numbers.has_check_digit(loaded["account_no"])
    assert fresh.superuser(
        "SELECT bureau_id, count(DISTINCT meter_id), count(*) FROM evergrid.reading "
        "GROUP BY bureau_id ORDER BY bureau_id",
        database="demo",
    ) == [(1, ACCOUNTS, ACCOUNTS * MONTHS), (2, 20, 20 * MONTHS)]


def test_somebody_is_sent_to_every_customer_of_the_demo(loaded, fresh):
    assert loaded["accounts_routed"] == ACCOUNTS + 20
    assert fresh.superuser(
        "SELECT bureau_id, month::text, stops, measured, reader FROM evergrid.reading_plan_now "
        "ORDER BY bureau_id",
        database="demo",
    ) == [(1, "2026-04-01", 300, 0, "demo reader"), (2, "2026-04-01", 20, 0, "demo reader_2")]


def test_most_of_the_demo_s_customers_are_homes_and_a_meter_rolls_over(loaded, fresh):
    (homes, rolled_over), = fresh.superuser(
        "SELECT (SELECT count(*) FROM evergrid.account WHERE category LIKE 'residential%'), "
        "(SELECT count(*) FROM evergrid.reading WHERE rolled_over)",
        database="demo",
    )  # fmt: skip
    assert 0.85 < homes / (ACCOUNTS + 20) < 0.97
    assert rolled_over == 1


def test_some_of_its_homes_have_meters_that_count_by_period(loaded, fresh):
    found = fresh.superuser(
        "SELECT count(DISTINCT meter_id), min(total), max(total), count(*) FROM ("
        "  SELECT meter.meter_id, reading.register - meter.initial_register - sum(part.register)"
        "         AS total"
        "    FROM evergrid.meter JOIN evergrid.account USING (bureau_id, account_id)"
        "    JOIN evergrid.reading USING (bureau_id, meter_id)"
        "    JOIN evergrid.register_reading AS part USING (bureau_id, meter_id, read_at)"
        "   WHERE category = 'residential_tou'"
        "   GROUP BY meter.meter_id, read_at, reading.register, meter.initial_register) AS rest",
        database="demo",
    )
    [(meters, least, most, readings)] = found
    assert meters > 0
    assert readings == meters * MONTHS
    assert (least, most) == (0, 0), "peak and valley are all there is"


def test_its_factories_pay_in_two_parts(loaded, fresh):
    found = fresh.superuser(
        "SELECT count(DISTINCT account_id), count(DISTINCT (account_id, equipment_no)),"
        "       count(DISTINCT (account_id, term.from_month)), count(DISTINCT part.period),"
        "       max(part.register) FILTER (WHERE period = 'demand')"
        "  FROM evergrid.account JOIN evergrid.meter USING (bureau_id, account_id)"
        "  JOIN evergrid.register_reading AS part USING (bureau_id, meter_id)"
        "  LEFT JOIN evergrid.equipment USING (bureau_id, account_id)"
        "  LEFT JOIN evergrid.supply_term AS term USING (bureau_id, account_id)"
        " WHERE category = 'industrial'",
        database="demo",
    )
    [(factories, transformers, terms, registers, demand)] = found
    assert factories > 0
    assert (transformers, terms, registers) == (factories, factories, 5)
    assert demand < 2, "it begins anew each month"


def test_its_factories_have_a_dormitory_each(loaded, fresh):
    found = fresh.superuser(
        "SELECT count(*), count(part.share_hundredths_percent), count(DISTINCT part.category)"
        "  FROM evergrid.account LEFT JOIN evergrid.apportionment_part AS part"
        "    USING (bureau_id, account_id)"
        " WHERE account.category = 'industrial'",
        database="demo",
    )
    [(factories, dormitories, categories)] = found
    assert factories == dormitories > 0
    assert categories == 1


def test_every_role_of_the_demo_has_a_token(loaded, owner, now, deadline):
    assert set(loaded["tokens"]) == ROLES | NEIGHBOURS
    for title, token in loaded["tokens"].items():
        found = caller_by_token(database=owner, token=token, now=now, deadline=deadline)
        assert title in {found.role, f"{found.role}_{found.bureau_id}"}
        is_everywhere = title in {"head_office", "auditor"}
        assert found.bureau_id == (None if is_everywhere else 2 if title in NEIGHBOURS else 1)


def test_loading_the_demo_again_changes_nothing_and_says_so(loaded, owner, fresh, now):
    def rows():
        return fresh.superuser(
            "SELECT (SELECT count(*) FROM evergrid.account),"
            " (SELECT count(*) FROM evergrid.reading),"
            " (SELECT count(*) FROM evergrid.api_token), (SELECT count(*) FROM evergrid.principal),"
            " (SELECT count(*) FROM evergrid.reading_plan_assignment)",
            database="demo",
        )

    before = rows()
    again = load_demo(owner, accounts=ACCOUNTS, months=MONTHS, now=now)

    assert (again["changed"], again["tokens"]) == (False, {})
    assert again["account_no"] == loaded["account_no"]
    assert rows() == before


def test_the_months_of_the_demo_can_be_billed_without_a_failure(
    loaded, owner, fresh, now, deadline
):
    officer = caller_by_token(
        database=owner, token=loaded["tokens"]["billing_officer"], now=now, deadline=deadline
    )
    head = caller_by_token(
        database=owner, token=loaded["tokens"]["head_office"], now=now, deadline=deadline
    )
    worker = Database(dsn=fresh.dsn("evergrid_worker", "demo"), connections_max=1)

    def drain():
        return list(
            iter(lambda: bill_next_chunk(database=worker, now=now, deadline=deadline), None)
        )

    done = []
    for month in loaded["months"]:
        asked = start_bill_run(
            database=owner,
            caller=officer,
            once=demo._once(month),
            month=Month.parse(month),
            bureau_id=1,
            now=now,
            deadline=deadline,
        )
        drain()
        number = msgspec.json.decode(asked.body)["bill_run_id"]
        run = bill_run_by_id(database=owner, caller=head, bill_run_id=number, deadline=deadline)
        approve_bill_run(
            database=owner,
            caller=head,
            once=demo._once(f"approve {month}"),
            bill_run_id=number,
            sums=ControlSums(run.calculated, run.calculated_kwh, run.calculated_fen),
            sample_result="as billed",
            now=now,
            deadline=deadline,
        )
        done += drain()
    worker.close()

    assert sum(billed.tally.bills for billed in done) == ACCOUNTS * MONTHS
    assert not any(billed.tally.failed for billed in done)


@pytest.fixture
def emptied(server, fresh, owner):
    """A second empty database, for a load that goes wrong."""
    server.superuser("CREATE DATABASE demo_interrupted OWNER evergrid_owner", database="postgres")
    dsn = server.dsn("evergrid_owner", "demo_interrupted")
    migrate.migrate(dsn=dsn, migrations=migrate.in_order(), phases=frozenset({"pre", "post"}))
    server.superuser(MAKE_PARTITIONS, database="demo_interrupted")
    database = Database(dsn=dsn, connections_max=2)
    yield database
    database.close()
    server.superuser("DROP DATABASE demo_interrupted", database="postgres")


def test_an_interrupted_demo_is_completed_by_the_next_load(emptied, now, monkeypatch):
    def fail(**_arguments):
        raise psycopg2.DataError

    with monkeypatch.context() as patch:
        patch.setattr(demo, "post_readings", fail)
        with pytest.raises(psycopg2.DataError):
            load_demo(emptied, accounts=5, months=1, now=now)

    completed = load_demo(emptied, accounts=5, months=1, now=now)

    assert (completed["accounts_imported"], completed["readings_posted"]) == (5, 10)
    assert set(completed["tokens"]) == ROLES | NEIGHBOURS


def test_a_demo_that_is_refused_in_part_says_so(emptied, now, monkeypatch):
    refused = {"code": BatchLengthRefused.code, "detail": "why", "status": "refused"}
    report = json.dumps({"refused": 1, "results": [{"status": "accepted"}, refused]})
    monkeypatch.setattr(demo, "post_readings", lambda **_: Answer(200, report.encode()))

    with pytest.raises(DemoRefused, match="1 refused, first BATCH_LENGTH_REFUSED: why"):
        load_demo(emptied, accounts=5, months=1, now=now + timedelta(days=1))
