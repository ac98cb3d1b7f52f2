"""How long the watches look more often."""

from __future__ import annotations

from ha.warden import patience
from ha.warden.eagerness import Eagerness

LONG_S = patience.EAGER_MAX_S + 0.1


def test_nothing_is_missing_nothing_is_hurried():
    eagerness = Eagerness()
    assert not eagerness.lasts(None, now_s=0)
    assert not eagerness.lasts(None, now_s=LONG_S)


def test_a_step_that_does_not_come_is_waited_for_at_leisure():
    eagerness = Eagerness()
    assert eagerness.lasts(("no leader",), now_s=0)
    assert eagerness.lasts(("no leader",), now_s=patience.EAGER_MAX_S - 0.1)
    assert not eagerness.lasts(("no leader",), now_s=LONG_S)
    assert not eagerness.lasts(("no leader",), now_s=10 * LONG_S)


def test_each_step_begins_it_anew():
    eagerness = Eagerness()
    assert eagerness.lasts(("suspected",), now_s=0)
    assert not eagerness.lasts(("suspected",), now_s=LONG_S)
    assert eagerness.lasts(("no leader",), now_s=2 * LONG_S)
    assert not eagerness.lasts(("no leader",), now_s=3 * LONG_S)
    assert not eagerness.lasts(None, now_s=3 * LONG_S)
    assert eagerness.lasts(("suspected",), now_s=3 * LONG_S)
