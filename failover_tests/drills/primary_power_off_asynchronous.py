"""The negative control: without quorum a payment is lost, so a drill that sees none is blind."""

from __future__ import annotations

from failover_tests import budgets, checkers, faults
from failover_tests.judgement import Outcome, check
from failover_tests.stage import Stage

# Acknowledged by the primary alone before it goes off; few enough to stay within the lag up to
# which Patroni promotes a replica (1 MiB).
_UNCONFIRMED = 10


def primary_power_off_asynchronous(stage: Stage) -> Outcome:
    """Power off a primary whose commits wait for nobody: the loss must be seen."""
    with stage.paying() as load, faults.asynchronous(stage.lab) as mode:
        primary = stage.primary()
        with faults.cut_off(stage.lab, primary, stage.replicas()) as cut:
            load.acknowledges(_UNCONFIRMED, within_s=budgets.RECOVERY_S)
            with faults.power_off(stage.lab, primary) as off:
                stage.wait_for_primary(other_than=primary)
                load.is_served_again()
    evidence = stage.evidence(mode, cut, off)
    lost = checkers.lost(evidence.history, evidence.books.payments)
    return Outcome(
        evidence,
        (
            check(
                "the loss of acknowledged payments is seen",
                f"{len(lost)} of {len(evidence.history)} requests",
                [] if lost else ["none is missing: this control, or the checker, sees nothing"],
            ),
        ),
    )
