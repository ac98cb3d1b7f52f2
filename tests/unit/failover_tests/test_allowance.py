"""On a machine with little to spare clients may wait longer, nothing else may be worse."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from failover_tests.conditions import Conditions
from failover_tests.drill import Drill
from failover_tests.promises import Promises

from .conftest import payment, read

# Of the evidence: its writes stall for 1 s, its reads as well.
PROMISED = Promises(write_stall_s=0.4, read_stall_s=0.4)


def outcome(evidence, promises=PROMISED, **conditions):
    """What a drill with this evidence comes to."""

    class Stage(SimpleNamespace):
        def paying(self, *, is_retrying):
            return self

        def __enter__(self):
            return None

        def __exit__(self, *_):
            return None

        def evidence(self, *_):
            return evidence

    stage = Stage(conditions=Conditions(**conditions))
    return Drill(lambda *_: (), promises)(stage)


def test_waits_are_judged_by_so_many_times_what_was_promised(evidence):
    assert not outcome(evidence).is_passed
    assert not outcome(evidence, allowance=2.0).is_passed
    passed = outcome(evidence, allowance=3.0)
    assert passed.is_passed
    assert passed.promises.write_stall_s == pytest.approx(1.2), "reports show what was judged by"


@pytest.mark.parametrize("promises", [Promises(slowest_s=1.5), Promises(write_stall_s=1.1)])
def test_so_is_the_slowest_answer(evidence, promises):
    """4 s; where a stall is promised, 1.5 s more than the second that was measured."""
    slow = replace(evidence, history=(*evidence.history, read(4, done_s=8.0)))
    assert not outcome(slow, promises).is_passed
    assert outcome(slow, promises, allowance=3.0).is_passed


def test_nothing_that_is_counted_is_allowed(evidence):
    failing = replace(evidence, history=(*evidence.history, payment(5, status=None, error="X")))
    assert not outcome(failing, allowance=100.0).is_passed
    lost = replace(evidence, books=replace(evidence.books, payments=evidence.books.payments[:-1]))
    assert not outcome(lost, allowance=100.0).is_passed
