"""Value added tax: how much of a price that contains the tax is the tax."""

from __future__ import annotations

from service.domain.rounding import half_up

RATE_PERCENT = 13


def contained_fen(*, gross_fen: int) -> int:
    """
    Return the output VAT contained in a tax-inclusive amount, in fen.

    The net amount is rounded half up and the tax is the rest, so that both add up to `gross_fen`.

    Source: domain rule 2.12; worked example E32 (100.00 yuan contain 11.50 yuan).
    """
    return gross_fen - half_up(gross_fen * 100, 100 + RATE_PERCENT)
