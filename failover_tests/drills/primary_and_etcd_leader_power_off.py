"""The drill in which two hosts of two clusters are lost."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.HOST_AND_ETCD_LEADER_LOST_WRITE_STALL_S, failovers_max=1, takeovers_min=1
)


@drill(_PROMISES)
def primary_and_etcd_leader_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off the primary's host and the etcd leader's at one moment."""
    with faults.power_off(stage.lab, stage.etcd_leader(), stage.primary()) as fault:
        stage.wait_for_primary(other_than=fault.hosts[-1])
        load.is_served_again()
        load.catches_up()
    return (fault,)
