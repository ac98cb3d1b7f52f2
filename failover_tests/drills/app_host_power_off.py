"""The drill in which an app host loses its power."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.SERVER_LOST_STALL_S,
    slowest_beyond_s=budgets.APP_HOST_LOST_SLOWEST_BEYOND_STALL_S,
    read_stall_s=budgets.SERVER_LOST_STALL_S,
)


@drill(_PROMISES)
def app_host_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off an app host: the edge repeats what it had in hand on the other."""
    host, _ = stage.hosts("app")
    with faults.power_off(stage.lab, host) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
