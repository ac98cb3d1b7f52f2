"""The judgement of a drill: each promise, with whatever was found against it."""

from __future__ import annotations

from dataclasses import dataclass

from failover_tests import checkers
from failover_tests.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. `examined` says what was looked at; no finding means that it was kept."""

    promise: str
    examined: str
    findings: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Tell if nothing was found against the promise."""
        return not self.findings


Verdict = tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a drill came to, with what that rests on."""

    evidence: Evidence
    verdict: Verdict

    @property
    def is_passed(self) -> bool:
        """Tell if every promise was kept."""
        return all(check.is_kept for check in self.verdict)


def invariants(evidence: Evidence) -> Verdict:
    """Return the checks that hold in every drill, whatever was broken."""
    history, books = evidence.history, evidence.books
    requests = f"{len(history)} requests"
    payments = f"{len(books.payments)} payments of this run in the books"
    never_attempted = checkers.never_attempted(
        history, books.payments, before=evidence.before, after=books.totals
    )
    balances = f"{len(books.balances)} accounts, {books.totals.bills} bills"
    looks = f"{len(evidence.samples)} looks at database hosts"
    return (
        _check("no request failed", requests, checkers.failed(history)),
        _check("no acknowledged payment is lost", requests, checkers.lost(history, books.payments)),
        _check("no payment is doubled", payments, checkers.doubled(history, books.payments)),
        _check("nothing is in the books that nobody sent", payments, never_attempted),
        _check(
            "every payment is allocated, and booked, in full",
            payments,
            checkers.payments_unexplained(books.payments),
        ),
        _check(
            "every journal sums up to zero",
            f"{books.totals.journals} journals",
            checkers.journals_unbalanced(books),
        ),
        _check("every balance equals its entries", balances, checkers.balances_wrong(books)),
        _check("never two primaries", looks, checkers.two_primaries_seen(evidence.samples)),
        _check(
            "one line of timelines",
            f"{looks}, {len(books.switches)} switches on record",
            checkers.timeline_broken(evidence.samples, books.switches),
        ),
    )


def at_most(promise: str, measured_s: float, budget_s: float) -> Check:
    """Return the check that something took no longer than promised."""
    found = [] if measured_s <= budget_s else [f"{measured_s:.2f} s, promised {budget_s:g} s"]
    return _check(f"{promise} (≤ {budget_s:g} s)", f"{measured_s:.2f} s", found)


def _check(promise: str, examined: str, findings: checkers.Findings) -> Check:
    return Check(promise=promise, examined=examined, findings=tuple(findings))
