"""The pgbench script of a payment, made from the very statements the service sends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from failover_tests.statements import statement

# The service is not imported: its statements are files beside this package, read as text.
_STATEMENTS = Path(__file__).parents[2] / "service" / "store" / "sql"
_NAMED = re.compile(r"^-- name: (\w+)\n(?:--[^\n]*\n)+(.*?);\s*$", re.MULTILINE | re.DOTALL)

# What one payment sends, in this order; the fence and COMMIT around it are Transaction's.
_SENT = (
    ("idempotency", "lock_key"),
    ("idempotency", "answer_under_key"),
    ("account_locks", "lock_account"),
    ("payments", "payable"),
    ("payments", "record_payment"),
    ("idempotency", "keep_answer"),
)

# Later statements need its columns: pgbench keeps them in variables of the same names.
_KEPT = "payable"

# As long as what the service stores for a payment without allocations.
_ANSWER_BYTES = 300


def payment_script(
    *, accounts: Sequence[str], principal_id: int, amount_fen: int, business_date: date
) -> str:
    """
    Return the script: one payment for one of `accounts`, which must owe nothing.

    The service computes a payment's number, entries and answer in Python; here they are constants
    or expressions of equal size, so that pgbench measures the database alone.
    """
    values = _values(principal_id, amount_fen, business_date)
    return "\n".join(
        (
            f"\\set n random(0, {len(accounts) - 1})",
            f"\\set account_no {_chosen(accounts)}",
            "\\set key random(1, 9000000000000000000)",
            "BEGIN;",
            statement("bench_fence").splitlines()[-1] + ";",
            *(_statement(noun, name, values) for noun, name in _SENT),
            "COMMIT;\n",
        )
    )


def _values(principal_id: int, amount_fen: int, business_date: date) -> dict[str, str]:
    """Return what stands for each parameter of the service's statements."""
    payment_no = f"('{business_date:%Y%m%d}' || lpad(:nextval::text, 12, '0'))"
    return {
        "key": ":key",
        "principal_id": str(principal_id),
        "account_no": ":account_no",
        "account_id": ":account_id",
        "bureau_id": ":bureau_id",
        "request_sha256": f"'\\x{'5a' * 32}'::bytea",
        "claimed_at": "now()",
        "kept_since": "now() - interval '30 days'",
        "status": "201",
        "headers": "'{}'::jsonb",
        "body": f"'\\x{'5a' * _ANSWER_BYTES}'::bytea",
        "business_date": f"'{business_date}'::date",
        "payment_no": payment_no,
        "amount_fen": str(amount_fen),
        "channel": "'bank'",
        "channel_serial": ":key",
        "received_at": "now()",
        "bill_nos": "'{}'",
        "bill_fens": "'{}'",
        "prepayment_fen": str(amount_fen),
        "codes": "'{1012,2203}'",
        "account_ids": "ARRAY[NULL, :account_id]",
        "document_nos": f"ARRAY[{payment_no}, {payment_no}]",
        "amounts_fen": f"'{{{amount_fen},-{amount_fen}}}'",
    }


def _statement(noun: str, name: str, values: dict[str, str]) -> str:
    named = dict(_NAMED.findall((_STATEMENTS / f"{noun}.sql").read_text(encoding="utf-8")))
    text = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], named[name])
    return f"{text} \\gset" if name == _KEPT else f"{text};"


def _chosen(accounts: Sequence[str], first: int = 0) -> str:
    """Return account number `n` as an expression; pgbench has no arrays, so a balanced tree."""
    if len(accounts) == 1:
        return accounts[0]
    half = len(accounts) // 2
    left, right = _chosen(accounts[:half], first), _chosen(accounts[half:], first + half)
    return f"CASE WHEN :n < {first + half} THEN {left} ELSE {right} END"
