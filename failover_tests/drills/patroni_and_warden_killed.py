"""The drill in which all that watches over the primary crashes."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def patroni_and_warden_killed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Kill Patroni with the warden of the primary: PostgreSQL serves on, nobody notices."""
    with faults.killed(stage.lab, stage.primary(), "patroni", "warden") as fault:
        load.goes_on(for_s=budgets.CUT_S)
    return (fault,)
