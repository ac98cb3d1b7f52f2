"""Metrics of the warden."""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from ha.warden import guard, voting

REGISTRY = CollectorRegistry()

_VOTES: tuple[str, ...] = get_args(voting.Deed)
# A vote that etcd refuses, because what it rests on has changed meanwhile, is a deed of its own.
ALL_DEEDS = (*get_args(guard.Deed), *_VOTES, *(f"{vote}_refused" for vote in _VOTES))
DEEDS = Counter(
    "evergrid_warden_deeds_total", "What this warden did, by deed.", ["deed"], registry=REGISTRY
)
IS_PRIMARY = Gauge(
    "evergrid_warden_is_primary", "1 while clients' writes are sent here.", registry=REGISTRY
)
HAS_LOCK = Gauge(
    "evergrid_warden_has_leader_key",
    "1 while Patroni says that it holds the leader's key.",
    registry=REGISTRY,
)
CANARY_AGE = Gauge(
    "evergrid_warden_canary_age_seconds",
    "Time since a write on a new connection worked; 0 on a replica, +Inf if none ever did.",
    registry=REGISTRY,
)
STORE_AGE = Gauge(
    "evergrid_warden_store_age_seconds",
    "Time since etcd answered; before its first answer, since this warden began.",
    registry=REGISTRY,
)
FENCES = Gauge("evergrid_warden_fences", "Hosts that this one sends nothing to.", registry=REGISTRY)
DISK_FREE = Gauge(
    "evergrid_warden_disk_free_bytes", "Room left for PostgreSQL's data.", registry=REGISTRY
)
CERTIFICATE_ENDS = Gauge(
    "evergrid_postgresql_certificate_expiry_timestamp_seconds",
    "When the certificate that PostgreSQL presents runs out; NaN until it was seen.",
    registry=REGISTRY,
)

# Each is shown from the start: to Prometheus a first sample of 1 is no increase.
for _deed in ALL_DEEDS:
    DEEDS.labels(_deed)


def count(deed: guard.Deed | voting.Deed, *, is_refused: bool = False) -> None:
    """Count one deed, or one that etcd refused."""
    DEEDS.labels(f"{deed}_refused" if is_refused else deed).inc()


def page() -> bytes:
    """Return everything in Prometheus' text format."""
    return generate_latest(REGISTRY)
