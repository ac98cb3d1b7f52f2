"""The evidence of one drill, put in the order of what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, pairwise

from failover_tests.books import Books, Totals
from failover_tests.faults import Fault
from failover_tests.history import History, acknowledged
from failover_tests.samples import Sample, Samples


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Everything a verdict rests on; `history` holds every request, `samples` every look.

    `cpu_shares` tells how busy the machine was under load before the fault, and with what.
    """

    run: str
    fault: Fault
    history: History
    samples: Samples
    cpu_shares: dict[str, float]
    before: Totals
    books: Books


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, in seconds after the fault."""

    after_s: float
    what: str


def timeline(evidence: Evidence) -> list[Event]:
    """Return what happened at and after the fault, in order; what did not happen is left out."""
    fault = evidence.fault
    events = [Event(0.0, f"fault: {fault.what}, {fault.host}"), *_stall(evidence)]
    events += _first(evidence, "new leader", _is_new_leader)
    events += _first(evidence, "old host answers again", _is_old_host_back)
    events += _first(evidence, "old host streams again", _is_old_host_streaming)
    return sorted(events, key=lambda event: event.after_s)


def _stall(evidence: Evidence) -> list[Event]:
    """Return the two ends of the longest time without an acknowledged write."""
    done_s = [request.done_s for request in acknowledged(evidence.history)]
    ends = max(pairwise(done_s), key=lambda pair: pair[1] - pair[0], default=None)
    if ends is None:
        return []
    names = ("last write acknowledged before the stall", "first write acknowledged after it")
    began_s = evidence.fault.began_s
    return [Event(at_s - began_s, name) for at_s, name in zip(ends, names, strict=True)]


def _first(evidence: Evidence, what: str, is_it: Callable[[Evidence, Sample], bool]) -> list[Event]:
    """Return the first look after the fault that showed `what`, as a list of one or none."""
    began_s = evidence.fault.began_s
    shown = (s for s in evidence.samples if s.asked_s > began_s and is_it(evidence, s))
    return [Event(s.seen_s - began_s, f"{what}: {s.host}") for s in islice(shown, 1)]


def _is_new_leader(evidence: Evidence, sample: Sample) -> bool:
    return sample.is_primary and sample.host != evidence.fault.host


def _is_old_host_back(evidence: Evidence, sample: Sample) -> bool:
    return sample.error is None and sample.host == evidence.fault.host


def _is_old_host_streaming(evidence: Evidence, sample: Sample) -> bool:
    return sample.is_streaming and sample.host == evidence.fault.host
