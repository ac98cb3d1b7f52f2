"""The drill in which the primary's host loses its power."""

from __future__ import annotations

from failover_tests import budgets, checkers, faults
from failover_tests.judgement import Outcome, at_most, invariants
from failover_tests.stage import Stage


def primary_power_off(stage: Stage) -> Outcome:
    """Power off the primary's host: clients wait, none sees an error, nothing is lost."""
    stage.wait_until_healthy(within_s=budgets.HEALTHY_S)
    with stage.paying() as load:
        with faults.power_off(stage.lab, stage.primary()) as fault:
            stage.wait_for_primary(other_than=fault.host, within_s=budgets.HOST_LOSS_NEW_PRIMARY_S)
            load.continues(for_s=budgets.AFTERWARDS_S)
        stage.wait_until_healthy(within_s=budgets.REJOIN_S)
        load.continues(for_s=budgets.AFTERWARDS_S)
    evidence = stage.evidence(fault)
    return Outcome(
        evidence,
        (
            *invariants(evidence),
            at_most(
                "writes stalled no longer than promised",
                checkers.stall_s(evidence.history),
                budgets.HOST_LOSS_WRITE_STALL_S,
            ),
            at_most(
                "the slowest answer came within the deadline",
                checkers.slowest_s(evidence.history),
                budgets.SLOWEST_ANSWER_S,
            ),
        ),
    )
