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
CONNECTIONS = Gauge(
    "evergrid_database_connections",
    "Connections open to the primary.",
    multiprocess_mode="livesum",
)
