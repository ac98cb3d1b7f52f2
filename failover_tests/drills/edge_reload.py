"""The drill in which the edge is given a new configuration."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def edge_reload(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Reload HAProxy on the active edge: nobody notices."""
    with faults.reloaded(stage.lab, stage.edge(), "haproxy") as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
