"""The drill in which the backups are put to use."""

from __future__ import annotations

import time

from failover_tests import budgets, ledgers
from failover_tests.faults import Fault
from failover_tests.judgement import Outcome, at_most, judged
from failover_tests.promises import Promises
from failover_tests.restored import prove, restored, wait_for_backup
from failover_tests.stage import Stage


def restore(stage: Stage) -> Outcome:
    """Restore the books to a moment under load: every total is what it was at that moment."""
    wait_for_backup(stage.lab)
    with stage.paying() as load:
        began_s = time.monotonic()
        expected = ledgers.at_a_moment(stage.lab)
        load.goes_on(for_s=budgets.PAID_AFTER_THE_MOMENT_S)
        later = ledgers.at_a_moment(stage.lab)
        with restored(stage.lab, to=expected.moment, log=stage.file("restore.log")) as fresh:
            took_s = time.monotonic() - began_s
            found = ledgers.at_a_moment(fresh)
    fault = Fault("restore", (fresh.layout.lab,), began_s, f"to {expected.moment}")
    evidence = stage.evidence(fault)
    books = ledgers.checks(expected, found=found, later=later)
    if all(check.is_kept for check in books):
        prove(stage.lab)
    in_time = at_most("restored no later than promised", took_s, budgets.RESTORE_S)
    return Outcome(evidence, (*books, in_time, *judged(evidence, Promises()).verdict))
