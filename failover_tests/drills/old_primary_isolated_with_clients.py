"""The drill in which an isolated primary still has clients."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(slowest_s=budgets.OLD_PRIMARY_SLOWEST_S, failovers_max=1, takeovers_min=1)


@drill(_PROMISES)
def old_primary_isolated_with_clients(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Cut the primary off from all but one app host: it can acknowledge nothing to it."""
    primary, (_, app) = stage.primary(), stage.hosts("app")
    others = (*stage.replicas(), *stage.hosts("dcs"), app)
    with faults.cut_off(stage.lab, primary, others) as fault:
        stage.wait_for_primary(other_than=primary)
        load.is_served_again()
        load.catches_up()
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
