"""Bill runs as workers leave them, for tests that need one to decide about."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import NOW

Superuser = Callable[[str], list[tuple]]
# What a run comes to that `calculated` returns.
SUMS = {"calculated": 1, "calculated_kwh": 100, "calculated_fen": 5_600}


def calculated(superuser: Superuser, bureau: int) -> int:
    """Return the number of a run of a bureau's January 2025 that waits for a decision."""
    [(bill_run_id,)] = superuser(
        "INSERT INTO evergrid.bill_run (bureau_id, month, principal_id, requested_at) "
        f"SELECT {bureau}, '2025-01-01', max(principal_id), '{NOW}' FROM evergrid.principal "
        "RETURNING bill_run_id"
    )
    superuser(
        "INSERT INTO evergrid.bill_run_chunk (bill_run_id, chunk, bureau_id, first_account_id, "
        "last_account_id, accounts, calculated_at, calculated, calculated_kwh, calculated_fen, "
        "account_ids, digests, readers) "
        f"VALUES ({bill_run_id}, 1, {bureau}, 1, 1, 1, '{NOW}', {SUMS['calculated']}, "
        f"{SUMS['calculated_kwh']}, {SUMS['calculated_fen']}, '{{}}', '{{}}', '{{}}')"
    )
    return int(bill_run_id)


def close(superuser: Superuser, bureau: int) -> None:
    """Reject every run of a bureau that waits for a decision."""
    superuser(
        f"UPDATE evergrid.bill_run_chunk SET closed_at = '{NOW}' "
        f"WHERE bureau_id = {bureau} AND done_at IS NULL AND approved_at IS NULL"
    )
