"""The evidence of one drill, put in the order of what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, pairwise

from failover_tests import budgets, samples
from failover_tests.books import Books, Standing
from failover_tests.checkers import Span
from failover_tests.faults.fault import Fault
from failover_tests.history import History, acknowledged
from failover_tests.samples import Leadership, Sample, Samples

# Enough of what was before a fault to see a stall begin.
_BEFORE_S = 1.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Everything a verdict rests on; `history` holds every request, `samples` every look.

    `wardens` are the looks that wardens answered, each asked from its host's own network: no cut
    hides what they say.

    `faults` are in the order of their time, at least one. `cpu_shares` tells how busy the machine
    was under load before the first, and with what; `rejoined_s` how long the lab was not whole
    after the last was cured; `complaint` why it is not to this moment, empty if it is.
    """

    run: str
    faults: tuple[Fault, ...]
    history: History
    samples: Samples
    cpu_shares: dict[str, float]
    before: Standing
    books: Books
    rejoined_s: float = 0.0
    complaint: str = ""
    wardens: Samples = ()

    @property
    def began_s(self) -> float:
        """When the first thing was broken."""
        return self.faults[0].began_s

    @property
    def felt(self) -> History:
        """
        What clients were answered from a second before the first fault on.

        The load begins with cold caches, connections, statements: how long that takes is no
        stall. Whether requests failed is judged over all of them.
        """
        since_s = self.began_s - _BEFORE_S
        return tuple(request for request in self.history if request.done_s >= since_s)

    @property
    def awake(self) -> Samples:
        """
        The looks but those at a host that was paused, in the second after it went on.

        It believes what it knew before until its own programs have run again: nothing can change
        that, and it does no harm as long as nothing it says then counts. Whether anything did, the
        clients' history and the books tell.
        """
        return self._but_on_waking(self.samples)

    @property
    def wardens_awake(self) -> Samples:
        """The looks that wardens answered, but those in the second after a pause, likewise."""
        return self._but_on_waking(self.wardens)

    def _but_on_waking(self, looks: Samples) -> Samples:
        pauses = (
            (host, fault.began_s) for fault in self.faults if fault.is_pause for host in fault.hosts
        )
        return samples.but_on_waking(looks, pauses, within_s=budgets.WAKING_S)

    @property
    def failovers(self) -> int:
        """How often a replica was promoted, planned or not: each promotion opens a timeline."""
        return self.books.standing.timeline - self.before.timeline

    @property
    def leaderships(self) -> tuple[Leadership, ...]:
        """Who led when the first thing was broken, then whoever came after, in order."""
        return samples.leaderships(self.awake, since_s=self.began_s)

    @property
    def unconfirmed(self) -> list[Span]:
        """
        From when to when no commit could be confirmed, for each fault that saw to that.

        It begins when what replicas had confirmed before has reached its client. It ends when
        another host was promoted, which may be while the old primary is still cut off.
        """
        spans = []
        for fault in self.faults:
            if fault.unconfirmed_until_s is not None:
                led = samples.leaderships(self.awake, since_s=fault.began_s)
                until_s = min([fault.unconfirmed_until_s, *(later.before_s for later in led[1:])])
                spans.append((fault.proven_s + budgets.IN_FLIGHT_S, until_s))
        return spans

    @property
    def refusing(self) -> list[Span]:
        """From when to when a payment on its way may be refused, as nobody can confirm it."""
        return [(from_s, to_s + budgets.API_DEADLINE_S) for from_s, to_s in self.unconfirmed]

    @property
    def in_flight(self) -> list[Span]:
        """From when to when requests were on their way to an edge that lost its address."""
        return [
            (fault.began_s, fault.address_moved_s + budgets.ADDRESS_MOVED_GRACE_S)
            for fault in self.faults
            if fault.address_moved_s is not None
        ]

    def told(self, at_s: float) -> str:
        """Return a moment in words: how long after which fault it was."""
        before = [fault for fault in self.faults if fault.began_s <= at_s]
        if not before:
            return "before anything was broken"
        last = max(before, key=lambda fault: fault.began_s)
        return f"{at_s - last.began_s:.1f} s after {last.what}, {last.where}"


Seen = Callable[[Evidence, Sample], bool]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, in seconds after the first fault."""

    after_s: float
    what: str


def timeline(evidence: Evidence) -> list[Event]:
    """Return what happened at and after the faults, in order; what did not happen is left out."""
    events = [
        Event(fault.began_s - evidence.began_s, f"fault: {fault.what}, {fault.where}")
        for fault in evidence.faults
    ]
    events += _stall(evidence)
    events += _first(evidence, "new leader", _is_new_leader, since_s=evidence.began_s)
    for silence in _first_look(evidence, _is_silent, since_s=evidence.began_s):
        since_s = silence.seen_s
        events += _first(evidence, "old host answers again", _is_back, since_s=since_s)
        events += _first(evidence, "old host streams again", _is_streaming, since_s=since_s)
    return sorted(events, key=lambda event: event.after_s)


def _stall(evidence: Evidence) -> list[Event]:
    """Return the two ends of the longest time without an acknowledged write."""
    done_s = [request.done_s for request in acknowledged(evidence.felt)]
    ends = max(pairwise(done_s), key=lambda pair: pair[1] - pair[0], default=None)
    if ends is None:
        return []
    names = ("last write acknowledged before the stall", "first write acknowledged after it")
    return [Event(at_s - evidence.began_s, name) for at_s, name in zip(ends, names, strict=True)]


def _first(evidence: Evidence, what: str, is_it: Seen, *, since_s: float) -> list[Event]:
    """Return the first look after `since_s` that showed `what`, as a list of one or none."""
    looks = _first_look(evidence, is_it, since_s=since_s)
    return [Event(look.seen_s - evidence.began_s, f"{what}: {look.host}") for look in looks]


def _first_look(evidence: Evidence, is_it: Seen, *, since_s: float) -> list[Sample]:
    shown = (s for s in evidence.samples if s.asked_s > since_s and is_it(evidence, s))
    return list(islice(shown, 1))


def _is_hit(evidence: Evidence, sample: Sample) -> bool:
    return any(sample.host in fault.hosts for fault in evidence.faults)


def _is_new_leader(evidence: Evidence, sample: Sample) -> bool:
    is_newer = (sample.timeline or 0) > evidence.before.timeline
    return sample.is_primary and is_newer


def _is_silent(evidence: Evidence, sample: Sample) -> bool:
    return sample.error is not None and _is_hit(evidence, sample)


def _is_back(evidence: Evidence, sample: Sample) -> bool:
    return sample.error is None and _is_hit(evidence, sample)


def _is_streaming(evidence: Evidence, sample: Sample) -> bool:
    return sample.is_streaming and _is_hit(evidence, sample)
