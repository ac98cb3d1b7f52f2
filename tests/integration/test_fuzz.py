"""Whatever is sent, the API answers as it promises: a sample of what `make fuzz` tries."""

from __future__ import annotations

import pytest

from service.api.app import create_app, description
from tests.conftest import NOW
from tests.fuzz import worlds
from tests.fuzz.cases import Cases
from tests.fuzz.judgement import Judge
from tests.fuzz.runs import run
from tests.integration import issuers

SEED, CASES = 4, 2_000
DOCUMENT = description(version="1")


@pytest.fixture(scope="module")
def world(migrated, database, worker_database, owner_database, caller, once):
    means = worlds.Means(
        server=migrated,
        database=database,
        worker_database=worker_database,
        owner_database=owner_database,
        caller=caller,
        once=once,
        now=NOW,
    )
    with issuers.running() as issuer:
        yield worlds.made(means, issuer)


@pytest.fixture(scope="module")
def app(database, world):
    return create_app(
        database=database,
        identity=world.identity(),
        clock=lambda: NOW,
        deadline_s=20,
        host="app1",
        version="1",
    )


@pytest.fixture(scope="module")
def tally(app, world):
    return run(app, Cases(DOCUMENT, world, seed=SEED), Judge(DOCUMENT), range(CASES))


def test_no_request_makes_the_service_fail_or_refuse_without_a_problem(tally):
    assert not tally.faults, "\n\n".join(tally.shown)
    assert tally.cases == CASES


def test_the_cases_come_through_to_every_operation(tally, world):
    """Or they would try the door only."""
    silent = [name for name in Cases(DOCUMENT, world, seed=SEED).operations
              if not tally.succeeded(name)]  # fmt: skip
    assert silent == []
