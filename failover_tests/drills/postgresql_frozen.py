"""The drill in which PostgreSQL stands still."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.STANDING_STILL_WRITE_STALL_S, failovers_max=1, takeovers_min=1
)


@drill(_PROMISES)
def postgresql_frozen(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Freeze the primary's postmaster with all its sessions: Patroni beside it still runs."""
    with faults.frozen(stage.lab, stage.primary(), "postgres") as fault:
        load.is_served_again()
        load.catches_up()
    return (fault,)
