"""The drill in which the worker is restarted."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def worker_reload(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Reload the worker of an app host: nobody notices."""
    host, _ = stage.hosts("app")
    with faults.reloaded(stage.lab, host, "worker") as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
