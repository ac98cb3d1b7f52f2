"""The drill in which no app host reaches the primary for some seconds."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.UNCONFIRMED_WRITE_STALL_S,
    slowest_beyond_s=budgets.CUT_FROM_APPS_SLOWEST_BEYOND_STALL_S,
)


@drill(_PROMISES)
def primary_cut_from_apps(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Cut the primary off from the app hosts: requests wait for it, no failover."""
    with faults.cut_off(stage.lab, stage.primary(), stage.hosts("app")) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
