"""The negative control: without quorum a payment is lost, so a drill that sees none is blind."""

from __future__ import annotations

from failover_tests import budgets, checkers, faults
from failover_tests.judgement import Check, Outcome, check
from failover_tests.stage import Stage

# Acknowledged by the primary alone before it goes off; few enough to stay within the lag up to
# which Patroni promotes a replica (1 MiB).
_UNCONFIRMED = 10


def primary_power_off_asynchronous(stage: Stage) -> Outcome:
    """Power off a primary whose commits wait for nobody: the loss must be seen."""
    with stage.paying() as load, faults.asynchronous(stage.lab) as mode:
        primary = stage.primary()
        with faults.cut_off(stage.lab, primary, stage.replicas()) as cut:
            load.continues(for_s=budgets.IN_FLIGHT_S)
            load.acknowledges(_UNCONFIRMED, within_s=budgets.RECOVERY_S)
            alone = cut.unconfirmed_until_now()
            with faults.power_off(stage.lab, primary) as off:
                stage.wait_for_primary(other_than=primary)
                load.is_served_again()
    evidence = stage.evidence(mode, alone, off)
    unconfirmed = checkers.acknowledged_unconfirmed(evidence.history, evidence.unconfirmed)
    lost = checkers.lost(evidence.history, evidence.books.payments)
    return Outcome(
        evidence,
        (
            _seen("payments are acknowledged that no replica confirmed", unconfirmed),
            _seen("the loss of acknowledged payments is seen", lost),
        ),
    )


def _seen(promise: str, found: checkers.Findings) -> Check:
    blind = [] if found else ["none: this control, or the checker, sees nothing"]
    return check(promise, f"{len(found)} payments", blind)
