"""The judgement of a drill: each promise, with whatever was found against it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from failover_tests import budgets, checkers
from failover_tests.evidence import Evidence
from failover_tests.history import History, acknowledged
from failover_tests.passages import Passage
from failover_tests.promises import Promises
from failover_tests.samples import Samples


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
    """What a drill came to, with what that rests on; `passages` if it broke many things."""

    evidence: Evidence
    verdict: Verdict
    promises: Promises = field(default_factory=Promises)
    passages: tuple[Passage, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Tell if every promise was kept."""
        return all(check.is_kept for check in self.verdict)


def judged(evidence: Evidence, promises: Promises) -> Outcome:
    """Return the outcome of a drill: the invariants, then what was promised beside them."""
    verdict = (
        *_answers(evidence, promises),
        _repeats(evidence, promises),
        *invariants(evidence),
        *_waits(evidence.felt, promises),
        _failovers(evidence, promises),
        *_takeovers(evidence, promises),
        *_unconfirmed(evidence, promises),
        _whole_again(evidence),
    )
    return Outcome(evidence, verdict, promises)


def invariants(evidence: Evidence) -> Verdict:
    """Return the checks that hold in every drill, whatever was broken."""
    history, books = evidence.history, evidence.books
    totals = books.standing.totals
    requests = f"{len(history)} requests"
    payments = f"{len(books.payments)} payments of this run in the books"
    never_attempted = checkers.never_attempted(
        history, books.payments, before=evidence.before.totals, after=totals
    )
    balances = f"{len(books.balances)} accounts, {totals.bills} bills"
    looks = f"{len(evidence.samples)} looks at database hosts"
    wardens = f"{len(evidence.wardens)} answers of wardens"
    return (
        check("no acknowledged payment is lost", requests, checkers.lost(history, books.payments)),
        check("no payment is doubled", payments, checkers.doubled(history, books.payments)),
        check("nothing is in the books that nobody sent", payments, never_attempted),
        check("no read shows the past", requests, checkers.stale(history, books)),
        check(
            "every payment is allocated, and booked, in full",
            payments,
            checkers.payments_unexplained(books),
        ),
        check(
            "every journal sums up to zero",
            f"{totals.journals} journals",
            checkers.journals_unbalanced(books),
        ),
        check("every balance equals its entries", balances, checkers.balances_wrong(books)),
        check("never two primaries", looks, _two_primaries(evidence.awake)),
        check(
            "clients' writes never taken by two", wardens, _two_primaries(evidence.wardens_awake)
        ),
        check(
            "one line of timelines",
            f"{looks}, {len(books.switches)} switches on record",
            checkers.timeline_broken(evidence.awake, books.switches),
        ),
    )


def at_most(promise: str, measured_s: float, budget_s: float) -> Check:
    """Return the check that something took no longer than promised."""
    most = f"{round(budget_s, 2):g} s"
    found = [] if measured_s <= budget_s else [f"{measured_s:.2f} s, promised {most}"]
    return check(f"{promise} (≤ {most})", f"{measured_s:.2f} s", found)


def check(promise: str, examined: str, findings: checkers.Findings) -> Check:
    """Return the check of one promise by what was found against it."""
    return Check(promise=promise, examined=examined, findings=tuple(findings))


def _answers(evidence: Evidence, promises: Promises) -> Verdict:
    history = evidence.history
    requests = f"{len(history)} requests"
    if not promises.may_refuse:
        return (check("no request failed", requests, checkers.failed(history)),)
    failed = checkers.failed_without_reason(history, refusing=evidence.refusing)
    refused = sum(request.is_refused_with_reason for request in history)
    nobody = [] if refused else ["nobody was: whoever waited was told nothing"]
    return (
        check("no request failed but by a refusal with its reason", requests, failed),
        check("payments were refused with their reason", f"{refused} refusals", nobody),
        _taken_again(evidence),
    )


def _taken_again(evidence: Evidence) -> Check:
    """Return the check of what fell due when a replica was back: without any it proves nothing."""
    cured_s = max((until_s for _, until_s in evidence.unconfirmed), default=math.inf)
    taken = sum(request.due_s >= cured_s for request in acknowledged(evidence.history))
    found = [] if taken else ["none was that fell due after the cure"]
    return check("payments are taken again by themselves", f"{taken} due after the cure", found)


def _repeats(evidence: Evidence, promises: Promises) -> Check:
    """Return the check of who had to repeat a request: nobody, or who lost a connection."""
    history, examined = evidence.history, f"{len(evidence.history)} requests"
    promise, in_flight = "no client had to repeat a request", evidence.in_flight
    if promises.is_retrying:
        promise = "only what was on its way as the address moved was repeated"
        examined += f", {len(checkers.repeated(history))} repeated, {len(in_flight)} moves"
    else:
        in_flight = []
    found = [
        f"{request.kind} {request.key} was sent {request.attempts} times, "
        f"first {evidence.told(request.sent_s)}"
        for request in checkers.repeated(history, in_flight=in_flight)
    ]
    return check(promise, examined, found)


def _waits(history: History, promises: Promises) -> Verdict:
    checks = []
    writes_s = checkers.stall_s(history)
    if promises.write_stall_s is not None:
        checks.append(
            at_most("writes stalled no longer than promised", writes_s, promises.write_stall_s)
        )
    slowest_max_s = promises.slowest_max_s(stall_s=writes_s)
    if slowest_max_s < math.inf:
        slowest_s = checkers.slowest_s(history)
        checks.append(at_most("the slowest answer came soon enough", slowest_s, slowest_max_s))
    if promises.read_stall_s is not None:
        reads_s = checkers.read_stall_s(history)
        checks.append(
            at_most("reads stalled no longer than promised", reads_s, promises.read_stall_s)
        )
    return tuple(checks)


def _failovers(evidence: Evidence, promises: Promises) -> Check:
    seen, most = evidence.failovers, promises.failovers_max
    found = [] if seen <= most else [f"{seen} promotions, at most {most} promised"]
    before, after = evidence.before.timeline, evidence.books.standing.timeline
    return check(f"at most {most} failovers", f"timeline {before} before, {after} after", found)


def _takeovers(evidence: Evidence, promises: Promises) -> Verdict:
    least, led = promises.takeovers_min, evidence.leaderships
    if not least:
        return ()
    seen = checkers.takeovers(led)
    hosts = ", then ".join(each.host for each in led) or "nobody was seen to"
    found = [] if seen >= least else [f"{hosts} led; {seen} takeovers, {least} promised"]
    return (check(f"another host takes over ({least} at least)", f"{hosts} led", found),)


def _unconfirmed(evidence: Evidence, promises: Promises) -> Verdict:
    """Return the check of when nobody could confirm; without payments it proves nothing."""
    if not promises.is_unconfirmed:
        return ()
    history, spans = evidence.history, evidence.unconfirmed
    sent = [
        sum(since_s <= r.sent_s < until_s for r in history if r.kind == "payment")
        for since_s, until_s in spans
    ]
    found = checkers.acknowledged_unconfirmed(history, spans)
    if not all(sent) or not spans:
        found = ["no payment was sent while nobody could confirm one", *found]
    lasted = ", ".join(
        f"{count} payments in {until_s - since_s:.1f} s"
        for count, (since_s, until_s) in zip(sent, spans, strict=True)
    )
    return (check("nothing is acknowledged that no replica confirmed", lasted or "none", found),)


def _two_primaries(looks: Samples) -> checkers.Findings:
    """Return where two hosts were primary; looks that never show one prove nothing."""
    if not any(look.is_primary for look in looks):
        return ["no look found any primary"]
    return checkers.two_primaries_seen(looks)


def _whole_again(evidence: Evidence) -> Check:
    promise = "whole again soon after nothing was broken any more"
    if evidence.complaint:
        return check(promise, "every host, program, member", [evidence.complaint])
    return at_most(promise, evidence.rejoined_s, budgets.REJOIN_S)
