"""The drill in which no replica is left."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(may_refuse=True, is_unconfirmed=True)


@drill(_PROMISES)
def both_replicas_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off one replica, then the other: payments are refused, with a reason, for so long."""
    first, second = stage.replicas()
    with faults.power_off(stage.lab, first) as one:
        load.is_served_again()
        with faults.power_off(stage.lab, second) as other:
            load.is_refused(at_most_s=budgets.REFUSED_S)
            unconfirmed = other.unconfirmed_until_now()
        load.is_served_again()
    return (one, unconfirmed)
