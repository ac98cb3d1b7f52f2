"""Accounts that somebody has closed, who does nothing else in a test."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from service.domain.account_closings import NewClosing
from service.usecases.account_closings import close_account
from tests.integration.utilities import FEBRUARY, Utility


def close(
    utility: Utility,
    account_no: str,
    register: str = "310",
    *,
    at: datetime = FEBRUARY.ends_at - timedelta(days=10),
) -> dict[str, Any]:
    """Close an account, with what its meter shows then; return what was answered."""
    new = NewClosing(
        account_no=account_no,
        closed_at=at,
        final_register=register,
        is_roll_over_confirmed=False,
        work_order_no="W 1",
        reason="moves away",
    )
    answer = close_account(**utility.act("billing_officer"), new=new)
    found: dict[str, Any] = json.loads(answer.body)
    return found
