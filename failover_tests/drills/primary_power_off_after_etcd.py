"""The drill in which the primary's host is lost just after etcd came back."""

from __future__ import annotations

import time

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.HOST_LOST_WRITE_STALL_S,
    read_stall_s=budgets.HOST_LOST_READ_STALL_S,
    failovers_max=1,
    takeovers_min=1,
)


@drill(_PROMISES)
def primary_power_off_after_etcd(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off the primary as etcd is back: failsafe mode's 20 s of belief in it cost nothing."""
    with faults.power_off(stage.lab, *stage.hosts("dcs")) as first:
        load.goes_on(for_s=budgets.MINUTE_S)
        back_by_s = time.monotonic() + budgets.STILL_BELIEVED_S
    stage.wait_for_etcd(within_s=back_by_s - time.monotonic())
    with faults.power_off(stage.lab, stage.primary()) as then:
        stage.wait_for_primary(other_than=then.hosts[-1])
        load.is_served_again()
        load.catches_up()
    return (first, then)
