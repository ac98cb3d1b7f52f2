"""Whatever is sent, the API answers as it promises: a sample of what `make fuzz` tries."""

from __future__ import annotations

import pytest

from service.api.app import create_app, description
from service.store.database import Database
from tests.conftest import NOW
from tests.fuzz import places
from tests.fuzz.cases import Cases
from tests.fuzz.judgement import Judge
from tests.fuzz.runs import run

SEED, CASES = 4, 2_400
DOCUMENT = description(version="1")


@pytest.fixture(scope="module")
def place():
    with places.own() as found:
        yield found


@pytest.fixture(scope="module")
def world(place):
    return place[1]


@pytest.fixture(scope="module")
def app(place, world):
    return create_app(
        database=Database(dsn=place[0], connections_max=2),
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
