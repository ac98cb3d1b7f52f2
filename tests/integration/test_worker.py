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

from service.domain.months import Month, business_date
from service.store import migrate
from service.store.database import Database
from service.usecases.bill_runs import bill_run_by_id, start_bill_run
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
    officer = caller_by_token(
        database=database, token=tokens["billing_officer"], now=now, deadline=deadline
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

    start.show = show
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

    run = wait_for(lambda: (run := town.show()).state == "finished" and run, "the run's end")

    assert (run.billed, run.failed) == (ACCOUNTS, 0)
    wait_for(lambda: metric("evergrid_bills_issued_total") == ACCOUNTS, "the count of bills")
    wait_for(lambda: metric("evergrid_bill_runs_oldest_unfinished_seconds") == 0.0, "no run left")
    assert time.time() - metric("evergrid_worker_last_loop_timestamp_seconds") < WAIT_S
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0


def test_a_worker_survives_a_crash_of_the_database(town, worker, server):
    process, _ = worker
    server.stop()
    server.start()
    town()

    wait_for(lambda: town.show().state == "finished", "the run's end")

    assert process.poll() is None
