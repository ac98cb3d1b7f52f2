"""Metrics: how old backups, archive or proof of them are, for Prometheus."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import Counter, Gauge

from ha.backups import repository
from ha.backups.repository import Contents

# Whoever restored from this repository, and found everything right, says so by touching it.
PROOF = Path("/var/lib/evergrid/restore-proven")

LAST_BACKUP = Gauge(
    "evergrid_backup_last_timestamp_seconds", "When the newest backup of a kind ended.", ["kind"]
)
LAST_WAL = Gauge(
    "evergrid_archive_last_wal_timestamp_seconds", "When the newest WAL segment was archived."
)
LAST_PROOF = Gauge(
    "evergrid_restore_proven_timestamp_seconds",
    "When a restore was last proven to be right; before the first proof, since there are backups.",
)
FAILURES = Counter(
    "evergrid_backup_failures_total", "Commands of pgBackRest that failed.", ["command"]
)


def watch_archive(folder: Path, *, stanza: str) -> None:
    """Let each scrape look at the repository in `folder`: a backup may keep us busy for hours."""
    LAST_WAL.set_function(lambda: repository.last_archived_at(folder, stanza=stanza) or 0.0)


def show(contents: Contents, *, proof: Path) -> None:
    """Show what the repository holds; `proof` is touched by whoever proved a restore."""
    for kind in ("full", "incr"):
        if newest := contents.newest(kind):
            LAST_BACKUP.labels(kind).set(newest.ended.timestamp())
    if proof.exists():
        LAST_PROOF.set(proof.stat().st_mtime)
    elif contents.backups:
        LAST_PROOF.set(contents.backups[0].ended.timestamp())
