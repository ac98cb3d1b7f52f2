"""What a database host said of itself at one moment, as Patroni's REST API tells it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec


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


class _Xlog(msgspec.Struct):
    location: int | None = None


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


def read(path: Path) -> Samples:
    """Return the samples in `path`, which may be gzipped, sorted by when they were taken."""
    opened = gzip.open(path) if path.suffix == ".gz" else path.open("rb")
    with opened as lines:
        return decode(lines)


def decode(lines: Iterable[bytes]) -> Samples:
    """Return the samples of these JSON lines, sorted by when they were taken."""
    samples = (msgspec.json.decode(line, type=Sample) for line in lines if line.endswith(b"\n"))
    return tuple(sorted(samples, key=lambda sample: sample.seen_s))
