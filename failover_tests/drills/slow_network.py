"""The drill in which the primary's network is slow for a minute."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(slowest_s=budgets.MERELY_SLOW_SLOWEST_S)


@drill(_PROMISES)
def slow_network(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Delay what the primary says and hears, lose a share of it: slow is not dead, no failover."""
    primary, latency_s, loss = stage.primary(), budgets.LATENCY_S, budgets.LOSS
    with faults.slow(stage.lab, primary, latency_s=latency_s, loss=loss) as fault:
        load.goes_on(for_s=budgets.MINUTE_S)
    return (fault,)
