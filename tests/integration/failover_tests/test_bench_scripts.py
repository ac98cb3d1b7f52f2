"""The pgbench script of a payment, run by pgbench on a real database."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from failover_tests.bench.scripts import payment_script

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
ACCOUNTS = ("8800000001", "8800000002", "8800000003")


def test_pgbench_records_payments_as_the_service_does(migrated, caller):
    channel = caller("channel", 1)
    for account_no in ACCOUNTS:
        migrated.superuser(
            f"""INSERT INTO evergrid.account (bureau_id, account_no, name, phone, address,
                                              category, opened_on, created_at)
                VALUES (1, '{account_no}', 'Li', '130', 'Street 1', 'residential', '2026-01-01',
                        now())"""
        )
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    script = payment_script(
        accounts=ACCOUNTS,
        principal_id=channel.principal_id,
        amount_fen=500,
        business_date=today,
    )

    ran = subprocess.run(
        [PGBENCH, "--no-vacuum", "--protocol=prepared", "--transactions=6", "--file=-",
         migrated.dsn("postgres")],
        input=script, text=True, capture_output=True, timeout=30, check=False,
        env={**os.environ, "PGOPTIONS": "-c role=evergrid_api"},
        cwd=Path("/"),
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    [(payments, lots, entries_fen)] = migrated.superuser(
        """SELECT count(*), sum(lot.open_fen),
                  (SELECT sum(amount_fen) FROM evergrid.ledger_entry e
                     JOIN evergrid.account USING (account_id)
                    WHERE account_no LIKE '88000000%' AND code = '2203')
             FROM evergrid.account JOIN evergrid.payment USING (account_id)
             JOIN evergrid.prepayment_lot AS lot USING (payment_no)
            WHERE account_no LIKE '88000000%'"""
    )
    assert (payments, lots, entries_fen) == (6, 3000, -3000)
