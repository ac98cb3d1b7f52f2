"""Cancellations of bills that somebody has asked for, who does nothing else in a test."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from tests.conftest import NOW


def ask(superuser: Callable[[str], list[tuple]], bill_no: str) -> int:
    """Return the number of a cancellation of the bill that waits for a decision."""
    [(principal_id,)] = superuser(
        "INSERT INTO evergrid.principal (name, role) "
        f"VALUES ('{secrets.token_hex(8)}', 'billing_officer') RETURNING principal_id"
    )
    [(cancellation_no, bureau)] = superuser(
        "INSERT INTO evergrid.bill_cancellation (bureau_id, account_id, month, serial, bill_no) "
        "SELECT bureau_id, account_id, month, serial, bill_no FROM evergrid.receivable "
        f"WHERE bill_no = '{bill_no}' RETURNING bill_cancellation_id, bureau_id"
    )
    superuser(
        "INSERT INTO evergrid.bill_cancellation_event "
        "(bill_cancellation_id, position, bureau_id, step, principal_id, happened_at, reason) "
        f"VALUES ({cancellation_no}, 1, {bureau}, 'requested', {principal_id}, '{NOW}', 'misread')"
    )
    return int(cancellation_no)
