"""Metrics: how old backups, archive or proof of them are, for Prometheus."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import Counter, Gauge

from ha.backups import repository
from ha.backups.repository import Contents

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


def show(contents: Contents, *, folder: Path, proof: Path, stanza: str) -> None:
    """Set every gauge; `folder` is the repository's, `proof` is touched by whoever restored."""
    for kind in ("full", "incr"):
        if newest := contents.newest(kind):
            LAST_BACKUP.labels(kind).set(newest.ended.timestamp())
    if (archived_at := repository.last_archived_at(folder, stanza=stanza)) is not None:
        LAST_WAL.set(archived_at)
    if proof.exists():
        LAST_PROOF.set(proof.stat().st_mtime)
    elif contents.backups:
        LAST_PROOF.set(contents.backups[0].ended.timestamp())
