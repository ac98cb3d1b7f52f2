"""The drill in which a paused primary wakes up too late."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(slowest_s=budgets.OLD_PRIMARY_SLOWEST_S, failovers_max=1, takeovers_min=1)


@drill(_PROMISES)
def paused_primary_wakes_up(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Freeze the primary's whole host, thaw it after the failover: it can acknowledge nothing."""
    with faults.frozen(stage.lab, stage.primary()) as fault:
        stage.wait_for_primary(other_than=fault.hosts[0])
        load.is_served_again()
        load.catches_up()
    return (fault,)
