"""A soak breaks what its seed says, goes on after what fails, judges what there is."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from failover_tests.books import Standing
from failover_tests.drill import Drill
from failover_tests.drills.catalogue import DRILLS
from failover_tests.faults import Fault
from failover_tests.promises import Promises
from failover_tests.soak import NothingBroken, Soak, planned
from ha.lab.errors import LabFailed
from ha.lab.waiting import NotInTime

from .conftest import looks, read


def names(seed, faults=50):
    return [drill.name for drill in planned(DRILLS, faults=faults, seed=seed)]


def test_the_same_seed_breaks_the_same_in_the_same_order():
    assert names(7) == names(7)
    assert names(7) != names(8)


def test_a_soak_has_as_many_faults_as_were_asked_for():
    assert len(names(7, faults=13)) == 13


def test_a_soak_breaks_everything_once_before_anything_twice():
    eligible = {drill.name for drill in DRILLS} - {"both-replicas-power-off"}
    drawn = names(7, faults=2 * len(eligible))
    assert set(drawn[: len(eligible)]) == set(drawn[len(eligible) :]) == eligible


def test_a_soak_never_breaks_that_in_which_clients_may_be_refused():
    assert "both-replicas-power-off" not in names(7, faults=1000)


class Stage:
    """A stage whose lab is as a test wants it."""

    def __init__(self, evidence, *, whole=True):
        self.given = evidence
        self.is_retrying = None
        self.whole = whole

    @contextmanager
    def paying(self, *, is_retrying):
        self.is_retrying = is_retrying
        yield Load()

    def wait_until_whole_again(self):
        if not self.whole:
            raise NotInTime("a whole lab: not within 240 s")

    def evidence(self, *broken):
        return replace(self.given, faults=broken)


class Load:
    def goes_on(self, *, for_s):
        pass


FAULT = Fault(what="kill -9", hosts=("db1",), began_s=2.5, proof="gone")


def breaking(outcome):
    def postmaster_killed(stage, load):
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return Drill(postmaster_killed, Promises(failovers_max=1))


def soaked(evidence, *outcomes, **how):
    said = []
    stage = Stage(evidence, **how)
    outcome = Soak([breaking(each) for each in outcomes], say=said.append)(stage)
    assert stage.is_retrying
    return outcome, said


def test_a_soak_in_which_all_went_well_passes(evidence):
    outcome, said = soaked(evidence, (FAULT,), (FAULT,))
    assert outcome.is_passed
    assert [passage.mishap.name for passage in outcome.passages] == ["postmaster-killed"] * 2
    assert said == ["1/2 postmaster-killed", "2/2 postmaster-killed"]


def test_a_fault_that_did_nothing_fails_the_soak_which_goes_on(evidence):
    outcome, _ = soaked(evidence, LabFailed("no postgres runs"), (FAULT,))
    assert [c.promise for c in outcome.verdict if not c.is_kept] == [
        "every fault took effect, was cured"
    ]
    assert len(outcome.passages) == 2


def test_an_interrupted_soak_judges_what_there_is(evidence):
    outcome, said = soaked(evidence, (FAULT,), KeyboardInterrupt(), (FAULT,))
    assert outcome.is_passed
    assert len(outcome.passages) == 1
    assert said[-1].startswith("Interrupted")


def test_an_interruption_whose_cure_fails_ends_the_soak_all_the_same(evidence):
    failed = LabFailed("db1 is not on")
    failed.__context__ = KeyboardInterrupt()
    outcome, said = soaked(evidence, (FAULT,), failed, (FAULT,))
    assert len(outcome.passages) == 1
    assert said[-1].startswith("Interrupted")


def test_a_soak_that_broke_nothing_is_no_pass(evidence):
    with pytest.raises(NothingBroken):
        soaked(evidence, KeyboardInterrupt())


def test_a_lab_that_is_not_whole_again_fails_the_soak(evidence):
    outcome, _ = soaked(evidence, (FAULT,), whole=False)
    [problem] = [c.findings for c in outcome.verdict if not c.is_kept]
    assert "not whole again" in problem[0]


def test_a_failed_request_fails_the_soak(evidence):
    failing = replace(evidence, history=(*evidence.history, read(9, status=502, error="LOST")))
    outcome, _ = soaked(failing, (FAULT,))
    assert [c.promise for c in outcome.verdict if not c.is_kept] == ["no request failed"]


REPEATS = "only what was on its way as the address moved was repeated"


@pytest.mark.parametrize(
    ("number", "when"),
    [(4, "1.5 s after kill -9, db1"), (1, "before anything was broken")],
)
def test_a_request_that_was_repeated_fails_the_soak(evidence, number, when):
    """Whether its fault should have been felt by nobody, or nothing was broken at all."""
    hidden = replace(evidence, history=(*evidence.history, read(number, attempts=2)))
    outcome, _ = soaked(hidden, (FAULT,))
    [broken] = [check for check in outcome.verdict if not check.is_kept]
    assert broken.promise == REPEATS
    assert broken.findings == (f"read drill-r{number} was sent 2 times, first {when}",)


def test_what_an_edge_s_move_let_be_repeated_does_not_fail_the_soak(evidence):
    """Though another fault began before it was answered; that one excuses nothing by itself."""
    edge = FAULT.address_moved(at_s=3.0)
    later = replace(FAULT, began_s=3.2)
    long_way = read(3, attempts=2, sent_s=2.9, done_s=3.5)
    cut_off = replace(evidence, history=(*evidence.history, long_way, read(5, attempts=2)))
    outcome, _ = soaked(cut_off, (edge,), (later,))
    [broken] = [check for check in outcome.verdict if not check.is_kept]
    assert broken.findings == ("read drill-r5 was sent 2 times, first 1.8 s after kill -9, db1",)
    assert [passage.repeated for passage in outcome.passages] == [0, 2]


def test_an_answer_long_after_a_fault_s_stall_fails_the_soak(evidence):
    """Its drill promises a stall of 5 s, 1 s was measured."""
    slow = replace(evidence, history=(*evidence.history, read(4, done_s=7.0)))

    def warden_killed(stage, load):
        return (FAULT,)

    plan = [Drill(warden_killed, Promises(write_stall_s=5.0))]
    outcome = Soak(plan, say=lambda _: None)(Stage(slow))
    [broken] = [check for check in outcome.verdict if not check.is_kept]
    assert broken.promise == "each fault let clients wait no longer than its own drill promises"
    assert "1, warden-killed: read drill-r4 was answered after 3.00 s" in broken.findings[0]


def test_a_failover_of_the_wrong_fault_fails_the_soak(evidence):
    """The first may fail over, the second does: their sum is within what both together may."""

    def warden_killed(stage, load):
        return (replace(FAULT, began_s=3.5),)

    led = looks("db1", (0, "primary", 3), (3, "primary", 3)) + looks("db2", (4, "primary", 4))
    standing = Standing(evidence.books.standing.totals, timeline=4)
    moved = replace(evidence, samples=led, books=replace(evidence.books, standing=standing))
    plan = [breaking((FAULT,)), Drill(warden_killed, Promises())]
    outcome = Soak(plan, say=lambda _: None)(Stage(moved))
    [broken] = [check for check in outcome.verdict if not check.is_kept]
    assert broken.promise == "each fault failed over as its own drill promises"
    assert "2, warden-killed" in broken.findings[0]


def test_an_acknowledgement_that_nobody_confirmed_fails_the_soak(evidence):
    alone = replace(FAULT, proven_s=2.5, unconfirmed_until_s=8.0)
    outcome, _ = soaked(evidence, (alone,))
    assert [check.promise for check in outcome.verdict if not check.is_kept] == [
        "nothing is acknowledged that no replica confirmed"
    ]
