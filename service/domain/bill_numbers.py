"""Bill numbers: the month, the account, then which bill of these it is."""

from __future__ import annotations

import re

from service.domain.errors import Missing
from service.domain.months import Month

_NUMBER = re.compile(
    r"(?P<year>[12][0-9]{3})(?P<month>0[1-9]|1[0-2])(?P<account_no>[0-9]{10})(?P<serial>[0-9]{2})",
    re.ASCII,
)


class BillUnknown(Missing):
    """No bill has this number."""

    code = "BILL_UNKNOWN"
    hint = "Check the number printed on the bill: 18 digits, the first six are the month."


def bill_number(*, month: Month, account_no: str, serial: int) -> str:
    """Return a bill's number: month, account, and a serial for what supersedes a bill."""
    return f"{month.year:04}{month.number:02}{account_no}{serial:02}"


def parts_of_number(bill_no: str) -> tuple[Month, str, int]:
    """
    Return the month, the account number, the serial that a bill's number is made of.

    :raises BillUnknown: if it cannot be a bill's number
    """
    match = _NUMBER.fullmatch(bill_no)
    if match is None:
        raise BillUnknown(f"no bill {bill_no}")
    return Month(int(match["year"]), int(match["month"])), match["account_no"], int(match["serial"])
