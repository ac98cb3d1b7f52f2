"""Price proposals that have come so far, all by hands that ask for nothing in a test."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable
from datetime import date, timedelta

from tests.conftest import NOW

# No two begin on one day, so that every one of them can be published.
_DAYS = itertools.count()
_FIRST = date(2150, 1, 1)
# What a test found that changes nothing.
UNCHANGED = {
    "month": None, "bills": 0, "refused": 0, "first_refusal": None, "before_fen": 0,
    "after_fen": 0, "dearer": 0, "cheaper": 0, "largest_rise": None, "largest_fall": None,
}  # fmt: skip
_PRICE = {
    "component": "energy", "price_yuan": "0.5", "unit": "kWh", "is_levy": False,
    "is_in_power_factor_base": True,
}  # fmt: skip


def add(superuser: Callable[[str], list[tuple]], *steps: str) -> int:
    """Return the number of a proposal that is drafted, then came through `steps`."""
    drafter, other = superuser(
        "INSERT INTO evergrid.principal (name, role) "
        f"VALUES ('{secrets.token_hex(8)}', 'head_office'), "
        f"('{secrets.token_hex(8)}', 'head_office') RETURNING principal_id"
    )
    day = _FIRST + timedelta(days=next(_DAYS))
    draft = {
        "category": "residential",
        "legal_document": "Order",
        "valid_from": str(day),
        "prices": [_PRICE],
        "free_kwh": 0,
    }
    [(proposal_no,)] = superuser(
        "INSERT INTO evergrid.price_proposal (category, legal_document, valid_from, draft) "
        f"VALUES ('residential', 'Order', '{day}', '{json.dumps(draft)}') "
        "RETURNING price_proposal_id"
    )
    taken = [("drafted", drafter[0]), *((step, other[0]) for step in steps)]
    rows = ", ".join(
        f"({proposal_no}, {position}, '{step}', {by}, '{NOW}', "
        + (f"'{json.dumps(UNCHANGED)}'" if step == "tested" else "NULL")
        + ")"
        for position, (step, by) in enumerate(taken, start=1)
    )
    superuser(
        "INSERT INTO evergrid.price_proposal_event "
        f"(price_proposal_id, position, step, principal_id, happened_at, test) VALUES {rows}"
    )
    return int(proposal_no)
