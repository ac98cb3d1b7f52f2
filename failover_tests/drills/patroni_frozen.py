"""The drill in which Patroni stands still for a minute."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.STANDING_STILL_WRITE_STALL_S)


@drill(_PROMISES)
def patroni_frozen(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Freeze the primary's Patroni for a minute: its warden ends it, its successor goes on."""
    with faults.frozen(stage.lab, stage.primary(), "patroni") as fault:
        load.goes_on(for_s=budgets.MINUTE_S)
    return (fault,)
