"""The drill in which every certificate is replaced, then the authority that signs them."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(write_stall_s=budgets.UNTOUCHED_WRITE_STALL_S)


@drill(_PROMISES)
def certificates_renewed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Replace every certificate, then their authority, step by step: nobody notices."""
    done = []
    for step in ("renew", "announce", "succeed", "retire"):
        with faults.certified(stage.lab, step) as fault:
            load.goes_on(for_s=budgets.CUT_S)
        done.append(fault)
    return tuple(done)
