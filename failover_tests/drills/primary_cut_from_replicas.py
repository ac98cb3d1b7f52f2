"""The drill in which nobody can confirm the primary's commits."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.UNCONFIRMED_WRITE_STALL_S, failovers_max=1, is_unconfirmed=True
)


@drill(_PROMISES)
def primary_cut_from_replicas(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Cut the primary off from its replicas: commits wait, no host acknowledges alone."""
    with faults.cut_off(stage.lab, stage.primary(), stage.replicas()) as fault:
        load.goes_on(for_s=budgets.CUT_S)
        unconfirmed = fault.unconfirmed_until_now()
    return (unconfirmed,)
