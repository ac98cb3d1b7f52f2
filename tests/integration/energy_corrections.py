"""Corrections of energy that somebody has asked for, who does nothing else in a test."""

from __future__ import annotations

import json
import secrets
import time
from datetime import date

from service.domain.energy_corrections import EnergyCorrectionOrder
from service.domain.metering_faults import Facts
from service.domain.principals import Caller, Role
from service.usecases.energy_correction_decisions import approve_correction
from service.usecases.energy_corrections import request_correction
from tests.integration.utilities import Utility


def ask(utility: Utility, account_no: str, *, is_approved: bool = False) -> int:
    """Return the number of a correction of an account's February; it waits, or is in force."""
    answer = request_correction(
        **_by_somebody(utility, Role.BILLING_OFFICER),
        order=EnergyCorrectionOrder(
            account_no=account_no,
            facts=Facts(agreed_kwh=10),
            since=date(2026, 2, 2),
            until=date(2026, 2, 20),
            reason="a fuse",
        ),
    )
    number = int(json.loads(answer.body)["energy_correction_no"])
    if is_approved:
        approve_correction(**_by_somebody(utility, Role.HEAD_OFFICE), correction_no=number)
    return number


def _by_somebody(utility: Utility, role: Role) -> dict[str, object]:
    name = secrets.token_hex(8)
    [(principal_id,)] = utility.query(
        f"INSERT INTO evergrid.principal (name, role) VALUES ('{name}', '{role}') "
        "RETURNING principal_id"
    )
    bureau = None if role == Role.HEAD_OFFICE else utility.bureau
    return {
        "database": utility.database,
        "caller": Caller(principal_id=principal_id, name=name, role=role, bureau_id=bureau),
        "once": utility.once(),
        "now": utility.now,
        "deadline": time.monotonic() + 20,
    }
