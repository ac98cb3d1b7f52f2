"""The worker as a program of its own, on a real database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from service.domain.bill_sign_offs import ControlSums
from service.domain.months import Month, business_date
from service.store import migrate
from service.store.database import Database
from service.usecases.bill_runs import approve_bill_run, bill_run_by_id, start_bill_run
from service.usecases.demo import load_demo
from service.usecases.principals import caller_by_token
from tests.conftest import free_port

ACCOUNTS = 40
WAIT_S = 30.0


def wait_for(condition, what):
    """Return what `condition` answers once it is true."""
    until = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < until, f"waited {WAIT_S} s for {what}"
        time.sleep(0.1)
    return found


@pytest.fixture
def town(server, once):
    """A town of its own that bills last month, by the clock that the worker reads too."""
    server.superuser("CREATE DATABASE worked OWNER evergrid_owner", database="postgres")
    dsn = server.dsn("evergrid_owner", "worked")
    migrate.migrate(dsn=dsn, migrations=migrate.in_order(), phases=frozenset({"pre", "post"}))
    database = Database(dsn=dsn, connections_max=2)
    now = datetime.now(UTC)
    tokens = load_demo(database, accounts=ACCOUNTS, months=1, now=now)["tokens"]
    deadline = time.monotonic() + WAIT_S
    officer, head = (
        caller_by_token(database=database, token=tokens[role], now=now, deadline=deadline)
        for role in ("billing_officer", "head_office")
    )

    def start():
        start_bill_run(
            database=database,
            caller=officer,
            once=once(),
            month=Month.of(business_date(now)).previous,
            bureau_id=1,
            now=now,
            deadline=deadline,
        )

    def show():
        deadline = time.monotonic() + WAIT_S
        return bill_run_by_id(database=database, caller=officer, bill_run_id=1, deadline=deadline)

    def approve():
        run = show()
        approve_bill_run(
            database=database,
            caller=head,
            once=once(),
            bill_run_id=1,
            sums=ControlSums(run.calculated, run.calculated_kwh, run.calculated_fen),
            sample_result="as billed",
            now=now,
            deadline=time.monotonic() + WAIT_S,
        )

    def reaches(state):
        return wait_for(lambda: (run := show()).state == state and run, f"the run to be {state}")

    start.approve, start.reaches = approve, reaches
    yield start
    database.close()
    server.superuser("DROP DATABASE worked WITH (FORCE)", database="postgres")


@pytest.fixture
def worker(server):
    """A running worker; yields its process beside a function that reads its metrics."""
    port = free_port()
    environ = {
        **os.environ,
        "EVERGRID_WORKER_DSN": server.dsn("evergrid_worker", "worked"),
        "EVERGRID_HOST": "app1",
        "EVERGRID_WORKER_METRICS_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "service", "worker"], env=environ)

    def metric(name):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            found = re.search(rf"^{re.escape(name)} (\S+)$", page.read().decode(), re.MULTILINE)
        return float(found[1]) if found else None

    yield process, metric
    process.kill()
    process.wait(WAIT_S)


def test_a_worker_bills_what_is_asked_for_and_ends_when_told(town, worker):
    process, metric = worker
    town()

    town.reaches("calculated")
    wait_for(lambda: metric("evergrid_bills_calculated_total") == ACCOUNTS, "the count of bills")
    assert metric("evergrid_bills_issued_total") == 0
    town.approve()
    run = town.reaches("finished")

    assert (run.billed, run.failed) == (ACCOUNTS, 0)
    wait_for(lambda: metric("evergrid_bills_issued_total") == ACCOUNTS, "the count of bills")
    wait_for(lambda: metric("evergrid_bill_runs_oldest_unfinished_seconds") == 0.0, "no run left")
    assert time.time() - metric("evergrid_worker_last_loop_timestamp_seconds") < WAIT_S
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0


def test_a_worker_survives_a_crash_of_the_database(town, worker, server):
    process, _ = worker
    town()

    town.reaches("calculated")
    server.stop()
    server.start()
    town.approve()
    town.reaches("finished")

    assert process.poll() is None
