"""The drill in which the primary's host loses its power in the middle of a bill run, twice."""

from __future__ import annotations

from failover_tests import billing, budgets, faults
from failover_tests.billing import Half, Struck
from failover_tests.judgement import Outcome
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage
from ha.lab import bill_runs
from ha.lab.bill_runs import Shown

_PROMISES = Promises(
    write_stall_s=budgets.HOST_LOST_WRITE_STALL_S, failovers_max=2, takeovers_min=2
)


def primary_power_off_in_bill_run(stage: Stage) -> Outcome:
    """Power off the primary while bills are calculated, and while issued: none lost, none twice."""
    month = billing.unbilled(stage.lab)
    expected = billing.undisturbed(stage.lab, month, key=f"{stage.run}-undisturbed")
    with stage.paying() as load:
        run = bill_runs.ask(stage.lab, month, key=stage.run)
        first = _power_off(stage, load, run, "calculated")
        run = bill_runs.reaches(stage.lab, run, "calculated")
        stage.wait_until_whole_again()
        bill_runs.approve(stage.lab, run, key=f"{stage.run}-approved")
        second = _power_off(stage, load, run, "issued")
        run = bill_runs.reaches(stage.lab, run, "finished")
    return billing.outcome(stage, run, (first, second), expected=expected, promises=_PROMISES)


def _power_off(stage: Stage, load: Load, run: Shown, half: Half) -> Struck:
    billing.begins(stage.lab, run, half)
    with faults.power_off(stage.lab, stage.primary()) as fault:
        stage.wait_for_primary(other_than=fault.hosts[-1])
        load.is_served_again()
        load.catches_up()
    return half, fault
