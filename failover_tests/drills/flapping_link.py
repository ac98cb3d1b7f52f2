"""The drill in which the primary's link is lost ten times."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.FLAPPING_WRITE_STALL_S,
    slowest_beyond_s=budgets.FLAPPING_SLOWEST_BEYOND_STALL_S,
    failovers_max=1,
    takeovers_min=1,
)


@drill(_PROMISES)
def flapping_link(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Let the primary's link flap ten times, briefly or longer: one failover, not a second."""
    downs_s, up_s = budgets.FLAPS_DOWN_S, budgets.FLAP_UP_S
    with faults.flapping(stage.lab, stage.primary(), downs_s=downs_s, up_s=up_s) as fault:
        load.is_served_again()
    return (fault,)
