"""Metrics of the warden."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

REGISTRY = CollectorRegistry()

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
    "Time since a write on a new connection worked; 0 on a replica.",
    registry=REGISTRY,
)
STORE_AGE = Gauge(
    "evergrid_warden_store_age_seconds", "Time since etcd answered.", registry=REGISTRY
)
FENCES = Gauge("evergrid_warden_fences", "Hosts that this one sends nothing to.", registry=REGISTRY)
DISK_FREE = Gauge(
    "evergrid_warden_disk_free_bytes", "Room left for PostgreSQL's data.", registry=REGISTRY
)
LAG = Gauge(
    "evergrid_warden_replay_lag_bytes",
    "How far replay is behind the newest position of a primary; 0 on a primary.",
    registry=REGISTRY,
)


def page() -> bytes:
    """Return everything in Prometheus' text format."""
    return generate_latest(REGISTRY)
