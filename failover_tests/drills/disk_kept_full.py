"""The drill in which whatever is freed on the primary's full disk is taken as well."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.preparations import own_disks
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.STANDING_STILL_WRITE_STALL_S, failovers_max=1, takeovers_min=1
)


@drill(_PROMISES, prepares=own_disks)
def disk_kept_full(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Fill the primary's disk, take what the warden sets free: no room to stop in good order."""
    with faults.kept_full(stage.lab, stage.primary()) as fault:
        load.goes_on(for_s=budgets.CUT_S)
        load.is_served_again()
        load.catches_up()
    return (fault,)
