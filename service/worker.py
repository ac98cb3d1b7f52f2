"""The worker: makes the bills of every requested run, as one of several beside each other."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, start_http_server

from service import settings
from service.domain.errors import Busy
from service.store.database import Database
from service.usecases.bill_chunks import (
    BilledChunk,
    ChunkBroken,
    bill_next_chunk,
    oldest_unfinished_run,
)
from service.usecases.once import forget_old_keys
from service.usecases.partitions import make_partitions_ahead
from service.usecases.sessions import forget_old_sign_ins

BILLS_CALCULATED = Counter(
    "evergrid_bills_calculated_total", "Bills calculated by this worker, to be approved."
)
BILLS_ISSUED = Counter("evergrid_bills_issued_total", "Bills issued by this worker.")
BILL_FAILURES = Counter(
    "evergrid_bill_failures_total", "Accounts this worker could not bill, by reason.", ["code"]
)
OLDEST_UNFINISHED = Gauge(
    "evergrid_bill_runs_oldest_unfinished_seconds",
    "Wait of the oldest bill run that workers can do something about; 0 if there is none.",
)
LAST_LOOP = Gauge(
    "evergrid_worker_last_loop_timestamp_seconds", "When this worker last looked for work."
)

_CONNECTIONS_MAX = 1  # It does one thing at a time.
# A run starts within this time of being asked for; an idle worker asks for nothing more often.
_PAUSE_S = 1.0
# Partitions are made a year ahead, so once an hour is often. A broken chunk is tried again then:
# whoever mends its data need not restart the workers.
_UPKEEP_EVERY_S = 3600.0
_log = logging.getLogger(__name__)


class Worker:
    """Bills chunk after chunk until `stop` is set; then ends after the chunk in hand."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Callable[[], datetime],
        stop: threading.Event,
        deadline_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._stop = stop
        self._deadline_s = deadline_s
        self._broken: set[tuple[int, int]] = set()
        self._upkeep_due = time.monotonic()

    def run(self) -> None:
        """Work until told to stop, through failovers of the database."""
        while not self._stop.is_set():
            try:
                has_billed = self.step()
            except Busy as refusal:
                _log.warning("No work while the database is away: %s.", refusal.detail)
                has_billed = False
            if not has_billed:
                # Jitter keeps the workers of several hosts from asking all at once.
                self._stop.wait(_PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311

    def step(self) -> bool:
        """
        Do what is due, then bill one chunk; return whether there was one.

        :raises DatabaseAway: if no primary takes the work before the deadline
        """
        now = self._clock()
        LAST_LOOP.set(now.timestamp())
        if time.monotonic() >= self._upkeep_due:
            self._keep_up(now)
        since = oldest_unfinished_run(database=self._database, deadline=self._deadline())
        OLDEST_UNFINISHED.set((now - since).total_seconds() if since else 0)
        return since is not None and self._bill(now)

    def _bill(self, now: datetime) -> bool:
        try:
            billed = bill_next_chunk(
                database=self._database, now=now, deadline=self._deadline(), passed=self._broken
            )
        except ChunkBroken as fault:
            _log.exception("Left aside for an hour: %s.", fault)
            self._broken.add((fault.chunk.bill_run_id, fault.chunk.chunk))
            return True
        if billed is None:
            return False
        _count(billed)
        return True

    def _keep_up(self, now: datetime) -> None:
        made = make_partitions_ahead(database=self._database, now=now, deadline=self._deadline())
        if made:
            _log.info("Made %d partitions for the year ahead.", made)
        forgotten = forget_old_keys(database=self._database, now=now, deadline=self._deadline())
        if forgotten:
            _log.info("Forgot %d months of old Idempotency-Keys.", forgotten)
        gone = forget_old_sign_ins(database=self._database, now=now, deadline=self._deadline())
        if gone:
            _log.info("Forgot %d old sign-ins.", gone)
        self._broken.clear()
        self._upkeep_due = time.monotonic() + _UPKEEP_EVERY_S

    def _deadline(self) -> float:
        return time.monotonic() + self._deadline_s


def main(environ: Mapping[str, str]) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    found = settings.read_worker(environ)
    database = Database(dsn=found.worker_dsn, connections_max=_CONNECTIONS_MAX)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # For the load balancer beside it, which asks who wants to know.
    start_http_server(found.metrics_port, "127.0.0.1")
    _log.info("The worker of %s looks for bill runs.", found.host)
    worker = Worker(
        database=database,
        clock=lambda: datetime.now(UTC),
        stop=stop,
        deadline_s=found.deadline_s,
    )
    worker.run()
    database.close()
    _log.info("The worker of %s has ended.", found.host)


def _count(billed: BilledChunk) -> None:
    tally, chunk = billed.tally, billed.chunk
    (BILLS_ISSUED if billed.is_issued else BILLS_CALCULATED).inc(tally.bills)
    for code, count in tally.failed.items():
        BILL_FAILURES.labels(code).inc(count)
    _log.info(
        "Chunk %s of %s, bureau %d: %d bills %s, %d accounts not billed.",
        chunk.document_no,
        chunk.month,
        chunk.bureau_id,
        tally.bills,
        "issued" if billed.is_issued else "calculated",
        sum(tally.failed.values()),
    )
