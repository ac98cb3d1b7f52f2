"""Rating: what a quantity costs at a price."""

from __future__ import annotations

# Prices are whole numbers of 1e-8 yuan, amounts whole fen (1e-2 yuan).
_PRICE_UNITS_PER_FEN = 1_000_000
_HALF_FEN = _PRICE_UNITS_PER_FEN // 2


def amount_fen(*, quantity: int, price: int) -> int:
    """
    Return what `quantity` costs at `price` (1e-8 yuan a unit), in fen, half up.

    Source: domain rule 2.12 (each line is rounded by itself, half up, negatives away from zero).
    """
    product = quantity * price
    if product < 0:
        return -((_HALF_FEN - product) // _PRICE_UNITS_PER_FEN)
    return (product + _HALF_FEN) // _PRICE_UNITS_PER_FEN
