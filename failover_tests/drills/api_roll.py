"""The drill in which a new release of the API is put in place."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def api_roll(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Roll a new release over the app hosts, then the old one back: nobody notices."""
    with faults.rolled(stage.lab) as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
