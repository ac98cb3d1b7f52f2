"""
The checkers: what went wrong by the history beside the books, each finding one sentence.

Pure functions; no finding means that the promise was kept. In brackets the invariant that each
guards: I1 acknowledged means kept, once; I2 nothing appears that nobody sent; I3 one primary;
I4 one line of timelines; I5 nobody reads the past; I6 the ledger is conserved; I7 availability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, groupby, pairwise

from failover_tests.books import Books, Recorded, Switch, Totals
from failover_tests.history import History, Request, acknowledged
from failover_tests.samples import Leadership, Samples

Findings = list[str]

# From when to when.
Span = tuple[float, float]


def failed(history: History) -> Findings:
    """Return each request that did not get the right answer (I7)."""
    return [_unanswered(request) for request in history if not request.is_answered]


def failed_without_reason(history: History, *, refusing: Iterable[Span]) -> Findings:
    """
    Return each request that failed in another way than promised when nothing can be written (I7).

    A payment that was on its way in a span of `refusing` may be refused with 503, a reason, and
    when to ask again; before or after it may not. A read never may.
    """
    spans = tuple(refusing)
    return [
        _unanswered(request)
        for request in history
        if not request.is_answered
        and not (
            request.kind == "payment"
            and request.is_refused_with_reason
            and _is_on_its_way(request, spans)
        )
    ]


def repeated(history: History, *, in_flight: Iterable[Span] = ()) -> list[Request]:
    """
    Return each request that only a repetition got answered: without it, it had failed (I7).

    But not one that was on its way in one of these spans.
    """
    spans = tuple(in_flight)
    return [
        request
        for request in history
        if request.attempts > 1 and not _is_on_its_way(request, spans)
    ]


def stale(history: History, books: Books) -> Findings:
    """
    Return each read that did not show a payment acknowledged before it was sent (I5).

    An account's balance before the run is what it is now, less what the run paid.
    """
    base_fen = Counter(
        {
            balance.account_no: balance.prepayment_fen - balance.receivable_fen
            for balance in books.balances
        }
    )
    for payment in books.payments:
        base_fen[payment.account_no] -= payment.amount_fen
    due_fen = Counter[str]()
    taken = acknowledged(history)
    findings, position = [], 0
    for read in sorted(_shown(history), key=lambda request: request.sent_s):
        while position < len(taken) and taken[position].done_s < read.sent_s:
            due_fen[taken[position].account_no] += taken[position].amount_fen
            position += 1
        at_least_fen = base_fen[read.account_no] + due_fen[read.account_no]
        if (read.net_fen or 0) < at_least_fen:
            findings.append(
                f"read {read.key} of account {read.account_no} showed {read.net_fen} fen, "
                f"{at_least_fen} fen were acknowledged before"
            )
    return findings


def lost(history: History, recorded: Iterable[Recorded]) -> Findings:
    """Return each acknowledged payment that is not in the books as it was acknowledged (I1)."""
    by_serial = {payment.channel_serial: payment for payment in recorded}
    findings = []
    for request in acknowledged(history):
        found = by_serial.get(request.key)
        if found is None:
            findings.append(
                f"payment {request.payment_no} ({request.key}) was acknowledged, is gone"
            )
            continue
        kept = (found.payment_no, found.account_no, found.amount_fen)
        if kept != (request.payment_no, request.account_no, request.amount_fen):
            findings.append(
                f"payment {request.payment_no} ({request.key}) was acknowledged as "
                f"{request.amount_fen} fen for {request.account_no}, is kept as {kept}"
            )
    return findings


def doubled(history: History, recorded: Iterable[Recorded]) -> Findings:
    """Return each payment that was taken twice, or whose number was given out twice (I1)."""
    serials = Counter(payment.channel_serial for payment in recorded)
    numbers = Counter(request.payment_no for request in acknowledged(history))
    return [
        f"payment {serial} is in the books {times} times"
        for serial, times in serials.items()
        if times > 1
    ] + [
        f"payment number {number} was given to {times} payments"
        for number, times in numbers.items()
        if times > 1
    ]


def never_attempted(
    history: History, recorded: tuple[Recorded, ...], *, before: Totals, after: Totals
) -> Findings:
    """Return each payment in the books that no client sent (I2)."""
    attempted = {request.key for request in history if request.kind == "payment"}
    findings = [
        f"payment {payment.payment_no} ({payment.channel_serial}) was sent by no client"
        for payment in recorded
        if payment.channel_serial not in attempted
    ]
    others = after.payments - before.payments - len(recorded)
    if others:
        findings.append(
            f"{others:+d} payments in the books are not of this run: did anybody else pay?"
        )
    return findings


def payments_unexplained(books: Books) -> Findings:
    """Return each payment whose money was not allocated or not booked in full (I6)."""
    return [
        f"payment {payment.payment_no} over {payment.amount_fen} fen: "
        f"{payment.allocated_fen} fen allocated, {payment.booked_fen} fen booked"
        for payment in books.unexplained
    ]


def journals_unbalanced(books: Books) -> Findings:
    """Return each journal whose entries do not sum up to zero (I6)."""
    return [
        f"journal {journal.journal_id} ({journal.reference}) sums up to {journal.sum_fen} fen"
        for journal in books.unbalanced
    ]


def balances_wrong(books: Books) -> Findings:
    """Return each balance that is not its entries' sum, each bill not its lines' (I6)."""
    findings = [
        f"account {balance.account_no}: {noun} {kept} fen, entries {entries} fen"
        for balance in books.balances
        for noun, kept, entries in (
            ("receivable", balance.receivable_fen, balance.receivable_entries_fen),
            ("prepayment", balance.prepayment_fen, balance.prepayment_entries_fen),
        )
        if kept != entries
    ]
    return findings + [
        f"bill {bill.bill_no}: amount {bill.amount_fen} fen, lines {bill.lines_fen} fen"
        for bill in books.bills_wrong
    ]


def acknowledged_unconfirmed(history: History, spans: Iterable[Span]) -> Findings:
    """Return each payment acknowledged while no replica could confirm a commit (I1)."""
    return [
        f"payment {request.payment_no} ({request.key}) was acknowledged when nobody had been able "
        f"to confirm a commit for {request.done_s - since_s:.2f} s"
        for since_s, until_s in spans
        for request in acknowledged(history)
        if since_s <= request.done_s < until_s
    ]


def takeovers(led: Sequence[Leadership]) -> int:
    """Return how often another host led than the one before."""
    return sum(sooner.host != later.host for sooner, later in pairwise(led))


def stall_s(history: History) -> float:
    """Return the longest time between two acknowledged writes; endless without two (I7)."""
    done_s = [request.done_s for request in acknowledged(history)]
    return max((later - sooner for sooner, later in pairwise(done_s)), default=float("inf"))


def read_stall_s(history: History) -> float:
    """Return the longest time between two answered reads; endless without two (I7)."""
    done_s = sorted(r.done_s for r in history if r.kind == "read" and r.is_answered)
    return max((later - sooner for sooner, later in pairwise(done_s)), default=float("inf"))


def slowest_s(history: History) -> float:
    """Return how long the slowest request took, from when it was due (I7)."""
    return max((request.latency_s for request in history), default=float("inf"))


def two_primaries_seen(samples: Samples) -> Findings:
    """Return each pair of hosts that surely were primary at one moment (I3)."""
    return [
        f"{one} and {other} were both primary at {max(from_s, other_from_s):.2f} s"
        for (from_s, to_s, one), (other_from_s, other_to_s, other) in combinations(
            _primary_spells(samples), 2
        )
        if one != other and from_s <= other_to_s and other_from_s <= to_s
    ]


def timeline_broken(samples: Samples, switches: tuple[Switch, ...]) -> Findings:
    """Return where the history of timelines is not one line, each led by one host (I4)."""
    findings = [
        f"timeline {later.timeline} ended at {later.lsn}, before timeline {sooner.timeline} did"
        for sooner, later in pairwise(switches)
        if later.timeline <= sooner.timeline or later.lsn < sooner.lsn
    ]
    leaders: dict[int, str] = {}
    newest = 0
    for sample in samples:
        if not sample.is_primary or sample.timeline is None:
            continue
        leader = leaders.setdefault(sample.timeline, sample.host)
        if leader != sample.host:
            findings.append(f"timeline {sample.timeline} was led by {leader} and by {sample.host}")
        if sample.timeline < newest:
            findings.append(f"{sample.host} led timeline {sample.timeline} after {newest}")
        newest = max(newest, sample.timeline)
    return list(dict.fromkeys(findings))


def _is_on_its_way(request: Request, spans: Iterable[Span]) -> bool:
    """Tell if a request was sent, not answered yet, at any time of these spans."""
    return any(request.sent_s < until_s and request.done_s >= since_s for since_s, until_s in spans)


def _unanswered(request: Request) -> str:
    return (
        f"{request.kind} {request.key} of account {request.account_no}: "
        f"{request.error or 'unexpected answer'} (status {request.status}) "
        f"after {request.latency_s:.1f} s"
    )


def _shown(history: History) -> Iterator[Request]:
    """Yield the reads that showed a balance."""
    return (r for r in history if r.kind == "read" and r.is_answered and r.net_fen is not None)


def _primary_spells(samples: Samples) -> list[tuple[float, float, str]]:
    """
    Return (from, to, host) of each time a host was surely primary, sorted.

    Surely: from the answer of the first look that found it so to the question of the last, on one
    timeline and with nothing else seen between. One look alone gives `from` after `to`: a moment
    somewhere between the two, which proves an overlap only with a spell that covers it whole.
    """
    spells = []
    for host in {sample.host for sample in samples}:
        looks = (sample for sample in samples if sample.host == host)
        for (is_primary, _), alike in groupby(
            looks, key=lambda look: (look.is_primary, look.timeline)
        ):
            spell = list(alike)
            if is_primary:
                spells.append((spell[0].seen_s, spell[-1].asked_s, host))
    return sorted(spells)
