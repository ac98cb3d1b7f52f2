"""What a database host said of itself at one moment, as Patroni's REST API tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from failover_tests import budgets

# One that was not heard for so many looks stood still.
_SILENCE_S = 3 * budgets.SAMPLE_EVERY_S


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """
    One look at one database host, taken somewhere between `asked_s` and `seen_s` (monotonic).

    `is_primary` is PostgreSQL's own answer (`pg_is_in_recovery()` is false), never Patroni's
    memory of it. `timeline` and `is_streaming` are None/False where PostgreSQL did not answer.
    """

    host: str
    asked_s: float
    seen_s: float
    is_primary: bool = False
    is_streaming: bool = False
    timeline: int | None = None
    error: str | None = None


Samples = tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Leadership:
    """The host that led a timeline; `before_s` is the last look that did not show it."""

    host: str
    timeline: int
    before_s: float


class _Xlog(msgspec.Struct):
    location: int | None = None


class _Desk(msgspec.Struct):
    """The part of a warden's GET /status that a drill needs (ha/warden/status.py)."""

    is_primary: bool
    timeline: int | None = None
    streams_from: str | None = None


class _Status(msgspec.Struct):
    """The part of Patroni's GET /patroni that a drill needs (patroni/api.py, 4.1.5)."""

    state: str
    role: str | None = None
    timeline: int | None = None
    replication_state: str | None = None
    xlog: _Xlog | None = None


def judged(host: str, status: bytes, *, asked_s: float, seen_s: float) -> Sample:
    """
    Return the sample that one answer of GET /patroni amounts to.

    Patroni answers `role` from memory while PostgreSQL does not answer it. A primary is therefore
    believed only if the answer carries the write position, which only PostgreSQL itself knows.
    """
    answer = msgspec.json.decode(status, type=_Status)
    is_alive = answer.state == "running" and answer.xlog is not None
    is_primary = is_alive and answer.xlog is not None and answer.xlog.location is not None
    return Sample(
        host=host,
        asked_s=asked_s,
        seen_s=seen_s,
        is_primary=is_primary,
        is_streaming=is_alive and answer.replication_state == "streaming",
        timeline=answer.timeline if is_alive else None,
    )


def judged_by_warden(host: str, status: bytes, *, asked_s: float, seen_s: float) -> Sample:
    """
    Return the sample that one answer of a warden's GET /status amounts to.

    It calls its host primary if clients' writes are sent there: PostgreSQL is not in recovery, a
    write of its own worked, nobody else leads. It says so while Patroni beside it stands still.
    """
    answer = msgspec.json.decode(status, type=_Desk)
    return Sample(
        host=host,
        asked_s=asked_s,
        seen_s=seen_s,
        is_primary=answer.is_primary,
        is_streaming=answer.streams_from is not None,
        timeline=answer.timeline,
    )


def leaderships(
    samples: Samples, *, since_s: float, until_s: float = float("inf")
) -> tuple[Leadership, ...]:
    """
    Return who led at `since_s`, then each who led a newer timeline before `until_s`, in order.

    What an old primary says of its own timeline, once a newer one was led, is passed over.
    """
    found: list[Leadership] = []
    looked_s: dict[str, float] = {}
    for sample in samples:
        newest = found[-1].timeline if found else 0
        if sample.seen_s >= until_s:
            break
        if sample.is_primary and (sample.timeline or 0) > newest:
            before_s = looked_s.get(sample.host, float("-inf"))
            leads = Leadership(sample.host, sample.timeline or 0, before_s)
            found = [leads] if sample.seen_s < since_s else [*found, leads]
        looked_s[sample.host] = sample.asked_s
    return tuple(found)


def read(path: Path) -> Samples:
    """Return the samples in `path`, sorted by when they were taken."""
    with path.open("rb") as lines:
        samples = [msgspec.json.decode(line, type=Sample) for line in lines]
    return tuple(sorted(samples, key=lambda sample: sample.seen_s))


def but_on_waking(
    samples: Samples, pauses: Iterable[tuple[str, float]], *, within_s: float
) -> Samples:
    """
    Return `samples` but those of a host that came so soon after it had been paused.

    :param pauses: host and begin of each pause; it ends with the silence that began with it
    """
    began_s: dict[str, list[float]] = {}
    for host, at_s in pauses:
        began_s.setdefault(host, []).append(at_s)
    kept = []
    heard_s: dict[str, float] = {}
    woke_s: dict[str, float] = {}
    for sample in samples:
        host = sample.host
        if host in began_s and sample.error is None:
            before_s = heard_s.get(host, sample.seen_s)
            is_late = sample.seen_s - before_s >= _SILENCE_S
            if is_late and any(abs(at_s - before_s) <= _SILENCE_S for at_s in began_s[host]):
                woke_s[host] = sample.seen_s
            heard_s[host] = sample.seen_s
            if sample.seen_s - woke_s.get(host, float("-inf")) < within_s:
                continue
        kept.append(sample)
    return tuple(kept)
