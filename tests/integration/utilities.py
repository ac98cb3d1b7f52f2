"""A bureau of its own for each test that bills, with what the utility does there."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.domain.account_imports import ImportLine
from service.domain.bill_details import BillPage
from service.domain.bill_runs import BillRun
from service.domain.bill_sign_offs import ControlSums
from service.domain.household_terms import HouseholdTerm
from service.domain.idempotency import Once
from service.domain.months import Month
from service.domain.new_accounts import NewAccount, NewMeter
from service.domain.payments import PaymentOrder
from service.domain.principals import Caller
from service.domain.readings import NewReading
from service.store.database import Database
from service.usecases.accounts import import_accounts
from service.usecases.bill_chunks import BilledChunk, bill_next_chunk
from service.usecases.bill_runs import approve_bill_run, bill_run_by_id, start_bill_run
from service.usecases.bills import bills_of_account
from service.usecases.household_terms import record_term
from service.usecases.payments import take_payment
from service.usecases.readings import post_readings

# Numbers have two digits; 1 and 2 are everybody's, 29 is a neighbour, 98 and 99 nobody's. There are
# more tests than numbers: the bureau of the oldest is emptied for the next.
BUREAUS = itertools.cycle(number for number in range(3, 98) if number != 29)
EMPTY = """
DO $$ DECLARE
    held record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR held IN SELECT found.relname
                  FROM pg_catalog.pg_class AS found
                  JOIN pg_catalog.pg_attribute AS part ON part.attrelid = found.oid
                 WHERE found.relnamespace = 'evergrid'::regnamespace
                   AND found.relkind IN ('r', 'p') AND NOT found.relispartition
                   AND part.attname = 'bureau_id'
                   AND found.relname NOT IN ('bureau', 'principal', 'staff', 'staff_event')
    LOOP
        EXECUTE format('DELETE FROM evergrid.%I WHERE bureau_id = {bureau}', held.relname);
    END LOOP;
END $$
"""
FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)
CHUNK_ACCOUNTS = 3
DEADLINE_S = 20.0
# Migrations make partitions around the day they run on; the tests live in a year of their own.
MAKE_PARTITIONS = """
SELECT sum(evergrid.make_partitions(parent.oid, '2026-01-01', 12))
  FROM pg_catalog.pg_partitioned_table AS cut
  JOIN pg_catalog.pg_class AS parent ON parent.oid = cut.partrelid
 WHERE parent.relnamespace = 'evergrid'::regnamespace
"""
# What must find nothing, at any moment, in a bureau's books.
CONTRADICTIONS = {
    "a journal does not balance": """
        SELECT journal_id FROM evergrid.ledger_entry WHERE bureau_id = {bureau}
         GROUP BY journal_id HAVING sum(amount_fen) <> 0""",
    "a receivable is not what its entries say": """
        SELECT account_id
          FROM (SELECT account_id, open_fen AS fen FROM evergrid.receivable
                 WHERE bureau_id = {bureau}
                 UNION ALL
                SELECT account_id, -amount_fen FROM evergrid.ledger_entry
                 WHERE bureau_id = {bureau} AND code = '1122.01') AS told
         GROUP BY account_id HAVING sum(fen) <> 0""",
    "a prepayment is not what its entries say": """
        SELECT account_id
          FROM (SELECT account_id, open_fen AS fen FROM evergrid.prepayment_lot
                 WHERE bureau_id = {bureau}
                 UNION ALL
                SELECT account_id, amount_fen FROM evergrid.ledger_entry
                 WHERE bureau_id = {bureau} AND code = '2203') AS told
         GROUP BY account_id HAVING sum(fen) <> 0""",
    "a bill is not the sum of its lines": """
        SELECT account_id
          FROM evergrid.bill
          JOIN (SELECT bureau_id, account_id, month, serial, sum(amount_fen) AS fen,
                       sum(quantity_kwh) FILTER (WHERE component = 'energy') AS kwh
                  FROM evergrid.bill_line GROUP BY 1, 2, 3, 4) AS lines
         USING (bureau_id, account_id, month, serial)
         WHERE bureau_id = {bureau} AND (amount_fen, consumption_kwh) <> (fen, kwh)""",
    "a bill has open what was paid": """
        SELECT bill_no
          FROM evergrid.receivable
          LEFT JOIN (SELECT bill_no, sum(amount_fen) AS fen FROM evergrid.allocation
                      GROUP BY bill_no) AS paid
         USING (bill_no)
         WHERE bureau_id = {bureau} AND (is_in_force OR is_correction)
           AND greatest(amount_fen, 0) - coalesce(fen, 0) <> open_fen""",
    "a bill that is not in force has no other side, or kept what was paid": """
        SELECT receivable.bill_no
          FROM evergrid.receivable
          JOIN evergrid.bill USING (bureau_id, account_id, month, serial)
          LEFT JOIN evergrid.bill AS mirror
                 ON mirror.bureau_id = bill.bureau_id AND mirror.account_id = bill.account_id
                AND mirror.month = bill.month AND mirror.cancels_serial = bill.serial
         WHERE bill.bureau_id = {bureau} AND bill.cancels_serial IS NULL
           AND bill.corrects_serial IS NULL
           AND (receivable.is_in_force <> (mirror.bill_no IS NULL)
                OR mirror.amount_fen <> -bill.amount_fen
                OR mirror.consumption_kwh <> -bill.consumption_kwh
                OR mirror.bill_no IS NOT NULL
               AND (SELECT coalesce(sum(amount_fen), 0) FROM evergrid.allocation
                     WHERE bill_no = bill.bill_no)
                <> (SELECT coalesce(sum(amount_fen), 0) FROM evergrid.prepayment_lot
                     WHERE payment_no = mirror.bill_no))""",
}


@dataclass
class Utility:
    """A bureau that nobody else uses; it lives in one moment, `now`."""

    query_all: Callable[[str], list[tuple]]
    database: Database
    worker_database: Database
    caller: Callable[..., Caller]
    once: Callable[..., Once]
    now: datetime
    bureau: int = field(default_factory=lambda: next(BUREAUS))

    def __post_init__(self) -> None:
        self.query(MAKE_PARTITIONS)
        self.query(
            "INSERT INTO evergrid.bureau VALUES ({bureau}, 'Bureau {bureau}') "
            "ON CONFLICT DO NOTHING"
        )
        self.query(EMPTY)
        self._asset_nos = itertools.count(1)

    def query(self, sql: str) -> list[tuple]:
        """Return the rows of any statement, `{bureau}` in it being this one."""
        return self.query_all(sql.replace("{bureau}", str(self.bureau)))

    def open_accounts(
        self,
        count: int = 1,
        *,
        category: str = "residential",
        register: str = "0",
        digits: int = 6,
        month: Month = FEBRUARY,
        periods: dict[str, str] | None = None,
    ) -> list[str]:
        """Open accounts as `month` begins, with registers of `periods`; return their numbers."""
        answer = import_accounts(
            **self.act("data_migrator"),
            lines=[
                ImportLine(
                    line,
                    NewAccount(
                        account_no=None,
                        name="李明月",
                        phone="12200000000",
                        address="昆仑区示例路1号",
                        category=category,
                        opened_on=month.first_day,
                        bureau=self.bureau,
                        meter=self._meter(
                            register=register, digits=digits, month=month, periods=periods or {}
                        ),
                    ),
                )
                for line in range(1, count + 1)
            ],
        )
        return [result["account_no"] for result in json.loads(answer.body)["results"]]

    def read(
        self,
        account_nos: list[str],
        register: str,
        *,
        month: Month = FEBRUARY,
        before_end: timedelta = timedelta(hours=4),
        periods: dict[str, str] | None = None,
    ) -> None:
        """Read the meters of accounts, so long before `month` ends."""
        readings = [
            NewReading(
                account_no=account_no,
                register=register,
                read_at=month.ends_at - before_end,
                source="manual",
                is_roll_over_confirmed=False,
                periods=periods or {},
            )
            for account_no in account_nos
        ]
        answer = post_readings(**self.act("reader"), readings=readings)
        assert json.loads(answer.body)["refused"] == 0, answer.body

    def know(
        self, account_no: str, from_month: str, *, persons: int = 1, subsidy: str = "none"
    ) -> None:
        """Record how a household is, from a month on."""
        term = HouseholdTerm(
            from_month=from_month, persons=persons, subsidy=subsidy, document_no="Register 1"
        )
        record_term(**self.act("hall_clerk"), account_no=account_no, term=term)

    def start(self, month: Month = FEBRUARY) -> int:
        """Ask for a run; return its number."""
        answer = start_bill_run(**self.act("billing_officer"), month=month, bureau_id=self.bureau)
        run = json.loads(answer.body)
        assert answer.status == 202
        assert answer.headers["Location"] == f"/v1/bill-runs/{run['bill_run_id']}"
        return int(run["bill_run_id"])

    def work(self, passed: frozenset[tuple[int, int]] = frozenset()) -> BilledChunk | None:
        """Calculate or issue one chunk."""
        return bill_next_chunk(
            database=self.worker_database, now=self.now, deadline=_deadline(), passed=passed
        )

    def drain(self) -> list[BilledChunk]:
        """Calculate or issue every chunk there is."""
        return list(iter(self.work, None))

    def show(self, bill_run_id: int) -> BillRun:
        """Return how far a run has come."""
        return bill_run_by_id(**self._look("billing_officer"), bill_run_id=bill_run_id)

    def calculated(self, month: Month = FEBRUARY) -> int:
        """Have the bills of a month calculated; return the run's number."""
        bill_run_id = self.start(month)
        self.drain()
        return bill_run_id

    def approve(self, bill_run_id: int) -> None:
        """Let another hand approve what a run has calculated, if there is anything."""
        run = self.show(bill_run_id)
        if run.state == "finished":
            return
        approve_bill_run(
            **self.act("head_office"),
            bill_run_id=bill_run_id,
            sums=ControlSums(run.calculated, run.calculated_kwh, run.calculated_fen),
            sample_result="as billed",
        )

    def bill(self, month: Month = FEBRUARY) -> BillRun:
        """Run the bills of a month from beginning to end."""
        bill_run_id = self.calculated(month)
        self.approve(bill_run_id)
        self.drain()
        return self.show(bill_run_id)

    def bills(self, account_no: str, *, limit: int = 50, cursor: str | None = None) -> BillPage:
        """Return an account's bills."""
        return bills_of_account(
            **self._look("hall_clerk"), account_no=account_no, limit=limit, cursor=cursor
        )

    def bill_counts(self) -> dict[str, int]:
        """Return how many bills each account has that has any."""
        return dict(
            self.query(
                "SELECT account_no, count(*) FROM evergrid.bill JOIN evergrid.account "
                "USING (bureau_id, account_id) WHERE bureau_id = {bureau} GROUP BY account_no"
            )
        )

    def pay(self, account_no: str, amount_fen: int) -> str:
        """Pay at the counter; return the payment's number."""
        order = PaymentOrder(
            account_no=account_no,
            amount_fen=amount_fen,
            channel="hall",
            channel_serial=f"{account_no}-{amount_fen}",
        )
        answer = take_payment(**self.act("hall_clerk"), order=order)
        return str(json.loads(answer.body)["payment_no"])

    def contradictions(self) -> list[str]:
        """Return which of `CONTRADICTIONS` the bureau's books hold."""
        return [name for name, sql in CONTRADICTIONS.items() if self.query(sql)]

    def _meter(
        self, *, register: str, digits: int, month: Month, periods: dict[str, str]
    ) -> NewMeter:
        return NewMeter(
            asset_no=f"B{self.bureau}-{next(self._asset_nos)}",
            digits=digits,
            decimals=2,
            multiplier="1",
            installed_at=month.starts_at,
            initial_register=register,
            periods=periods,
        )

    def _look(self, role: str) -> dict[str, object]:
        return {
            "database": self.database,
            "caller": self.caller(role, self.bureau),
            "deadline": _deadline(),
        }

    def act(self, role: str) -> dict[str, object]:
        """Return what a use case is told of who acts: somebody of a role in the bureau, now."""
        return {**self._look(role), "once": self.once(), "now": self.now}


def _deadline() -> float:
    return time.monotonic() + DEADLINE_S
