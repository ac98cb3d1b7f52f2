"""
Guard: what the warden does to the processes of its own host, as a pure function.

A process that the kernel calls stopped, or that says nothing for a time no load explains, holds a
key or a port in its name and serves nobody: it is ended, so that its supervisor starts it anew or
another host takes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ha.warden import patience
from ha.warden.answers import Known
from ha.warden.facts import Peer, Process

# PostgreSQL 15, appendix A: disk_full.
_DISK_FULL = "53100"
# As many times the ballast must be free before it is taken: it must never be what fills the disk.
_PLENTY = 8

Deed = Literal["wake", "kill_patroni", "kill_postgres", "stop_postgres", "hand_over"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to do to a process of this host, and why, as the end of a sentence for the log."""

    deed: Deed
    because: str


def orders(known: Known, *, had_postgres: bool, isolated_s: float) -> list[Order]:
    """
    Return what is to be done now, most urgent first; the caller paces repeats.

    `had_postgres`: a postmaster ran at the last look that found one, and Patroni has not been told
    that it is gone. `isolated_s`: for how long nobody answered this host. In `pause` nothing is
    done: whoever paused the cluster does to its processes what they want, as Patroni leaves them.
    """
    if known.store.is_paused:
        return []
    found = (
        _patroni(known),
        _postgres(known),
        _gone(known, had_postgres=had_postgres),
        _isolated(known, isolated_s),
        _disk(known),
    )
    return [order for order in found if order is not None]


def isolation_s(known: Known, peers: Mapping[str, Peer]) -> float:
    """
    Return for how long neither etcd nor any other database host has answered; 0 if one does.

    Whoever is alone can acknowledge nothing (its commits wait for replicas), yet would hold on to
    the clients that still reach it.
    """
    if not peers:
        return 0.0
    silent_s = []
    for probe in (peer.kernel for peer in peers.values()):
        if probe.silent_since_s is None or probe.unanswered < patience.SILENT_PROBES:
            return 0.0
        silent_s.append(known.now_s - probe.silent_since_s)
    return max(0.0, min(*silent_s, known.now_s - known.store.seen_s))


def is_full(known: Known) -> str | None:
    """Return what says that the disk is full, or None."""
    if known.host is not None and known.host.disk_free_bytes < patience.DISK_LOW_BYTES:
        return f"{known.host.disk_free_bytes >> 20} MiB are left on the disk"
    if known.canary is not None and known.canary.error == _DISK_FULL:
        return "a write found the disk full"
    return None


def wants_ballast(known: Known) -> bool:
    """Test if room should be set aside: there is none yet, and plenty to take it from."""
    host = known.host
    if host is None or host.postmaster is None or host.has_ballast:
        return False
    return host.disk_free_bytes > _PLENTY * patience.BALLAST_BYTES


def _patroni(known: Known) -> Order | None:
    process = known.host.patroni if known.host else None
    if process is None:
        return None
    if _is_frozen(process, known.now_s):
        return Order("kill_patroni", "the kernel says it is stopped")
    silent_s = known.now_s - max(known.patroni.answered_s if known.patroni else 0, process.since_s)
    if silent_s > patience.HUNG_S:
        return Order("kill_patroni", f"it has not answered for {silent_s:.0f} s")
    return None


def _postgres(known: Known) -> Order | None:
    process = known.host.postmaster if known.host else None
    if process is None:
        return None
    if _is_frozen(process, known.now_s):
        return Order("kill_postgres", "the kernel says it is stopped")
    leads = known.patroni is not None and known.patroni.has_lock
    is_primary = known.postgres is not None and not known.postgres.is_in_recovery
    if not leads or not is_primary or known.canary is None:
        return None
    silent_s = known.now_s - max(known.canary.worked_s, process.since_s)
    # An error is an answer: what answers is not hung, whatever else it is.
    if silent_s > patience.HUNG_S and known.canary.error == "silent":
        return Order("kill_postgres", f"no new connection worked for {silent_s:.0f} s")
    return None


def _gone(known: Known, *, had_postgres: bool) -> Order | None:
    if had_postgres and known.host is not None and known.host.postmaster is None:
        return Order("wake", "PostgreSQL has ended")
    return None


def _isolated(known: Known, isolated_s: float) -> Order | None:
    is_primary = known.postgres is not None and not known.postgres.is_in_recovery
    has_postgres = known.host is not None and known.host.postmaster is not None
    if is_primary and has_postgres and isolated_s > patience.ISOLATED_STOP_S:
        return Order("stop_postgres", f"nobody has answered this host for {isolated_s:.1f} s")
    return None


def _disk(known: Known) -> Order | None:
    leads = known.patroni is not None and known.patroni.has_lock
    why = is_full(known)
    return Order("hand_over", why) if leads and why else None


def _is_frozen(process: Process, now_s: float) -> bool:
    return process.is_stopped and now_s - process.since_s > patience.FROZEN_S
