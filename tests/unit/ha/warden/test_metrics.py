"""What the warden tells Prometheus, before it has done or seen anything too."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ha.warden import metrics
from ha.warden.answers import Answer, Known
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.facts import Canary, Store
from ha.warden.server import CannotNow
from ha.warden.settings import Settings
from ha.warden.status import Desk

NEVER = float("-inf")
SETTINGS = Settings(
    host="db1",
    address="10.77.0.31",
    scope="main",
    peers={},
    stores=(),
    port=8009,
    patroni_port=8008,
    postgres_port=5432,
    patroni_password="",
    data_folder="/nowhere",
    socket_folder="/nowhere",
    run_folder="/nowhere",
    features=frozenset(),
)


def value(name, **labels):
    return metrics.REGISTRY.get_sample_value(name, labels)


class Told:
    """A warden that knows what it is told here, and a desk that shows it."""

    def __init__(self):
        self._known = Known(me="db1", now_s=0, store=Store(seen_s=NEVER))
        said = SimpleNamespace(
            known=lambda: replace(self._known, now_s=now_s() + self.ahead_s),
            primary=lambda: Answer(is_yes=False, why="it is told nothing"),
        )
        unfenced = SimpleNamespace(fenced=list, withholds=lambda: None)
        self.ahead_s = 0.0
        self.desk = Desk(SETTINGS, board=Board(), judge=said, voter=unfenced)

    def shows(self, name, **facts):
        self._known = replace(self._known, **facts)
        self.desk.measured(metrics.page)
        return value(name)


@pytest.fixture
def told():
    return Told()


@pytest.mark.parametrize("deed", metrics.ALL_DEEDS)
def test_a_deed_is_shown_before_it_is_done(deed):
    assert f'evergrid_warden_deeds_total{{deed="{deed}"}}' in metrics.page().decode()


def test_a_vote_that_etcd_refused_is_no_vote():
    decided, refused = (
        value("evergrid_warden_deeds_total", deed=name) for name in ("decide", "decide_refused")
    )
    metrics.count("decide", is_refused=True)
    assert value("evergrid_warden_deeds_total", deed="decide") == decided
    assert value("evergrid_warden_deeds_total", deed="decide_refused") == refused + 1


def test_a_warden_that_never_reached_etcd_is_blind_since_it_began(told):
    told.ahead_s = 40.0
    assert told.shows("evergrid_warden_store_age_seconds") == pytest.approx(40.0, abs=5)


def test_a_warden_that_must_read_etcd_anew_was_not_blind_before(told):
    age = "evergrid_warden_store_age_seconds"
    told.ahead_s = 100.0
    assert told.shows(age, store=Store(seen_s=now_s() + 100)) == pytest.approx(0.0, abs=5)
    told.ahead_s = 110.0
    assert told.shows(age, store=Store(seen_s=NEVER)) == pytest.approx(10.0, abs=5)


def test_a_primary_that_never_took_a_write_does_not_pass_for_one_that_just_did(told):
    canary = Canary(tried_s=0, worked_s=NEVER, error="refused")
    assert told.shows("evergrid_warden_canary_age_seconds", canary=canary) == math.inf


def test_a_disk_that_was_not_looked_at_yet_is_not_full(told):
    assert math.isnan(told.shows("evergrid_warden_disk_free_bytes"))


def test_a_stop_that_cannot_be_announced_is_refused_with_the_reason(told):
    with pytest.raises(CannotNow, match="No such file"):
        told.desk.acts()["/planned-stop"]()
