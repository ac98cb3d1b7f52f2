"""The drill in which the primary's link is lost ten times."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.judgement import Promises
from failover_tests.load import Load
from failover_tests.stage import Stage

_PROMISES = Promises(failovers_max=1)


@drill(_PROMISES)
def flapping_link(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Let the primary's link flap ten times: at most one failover."""
    times, down_s, up_s = budgets.FLAPS, budgets.FLAP_DOWN_S, budgets.FLAP_UP_S
    primary = stage.primary()
    with faults.flapping(stage.lab, primary, times=times, down_s=down_s, up_s=up_s) as fault:
        load.is_served_again()
    return (fault,)
