"""The drill in which the machine has no processor time left."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(slowest_s=budgets.MERELY_SLOW_SLOWEST_S)


@drill(_PROMISES)
def saturated(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Saturate every processor under load (longer with --duration): no false failover."""
    seconds = max(budgets.SATURATED_S, stage.conditions.load_s)
    everywhere = tuple(host.name for host in stage.lab.topology.hosts)
    with faults.saturated(everywhere, at_most_s=seconds + budgets.RECOVERY_S) as fault:
        load.goes_on(for_s=seconds)
    return (fault,)
