"""What the store counts; the names are catalogued in monitoring/catalogue.yml."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

RETRIES = Counter(
    "evergrid_transaction_retries_total",
    "Transactions run again, by the SQLSTATE (or `lost`) that ended the attempt before.",
    ["reason"],
)
UNKNOWN = Counter(
    "evergrid_transactions_unknown_total",
    "Commits whose outcome was not known when the connection ended; each was found out by a retry.",
)
READS = Counter(
    "evergrid_reads_total",
    "Reads of the API, by what answered them (replica, primary), with the reason for it.",
    ["answered_by", "reason"],
)
REPLICA_CONNECTIONS = Gauge(
    "evergrid_replica_connections",
    "Connections open to replicas.",
    multiprocess_mode="livesum",
)
CONNECTIONS = Gauge(
    "evergrid_database_connections",
    "Connections open to the primary.",
    multiprocess_mode="livesum",
)
