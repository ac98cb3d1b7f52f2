"""Account numbers: nine digits with a check digit that catches what people mistype."""

from __future__ import annotations

import re

from service.domain.errors import Invalid

_MODULUS = 10
_NUMBER_MAX = 999_999_999
_ACCOUNT_NO = re.compile(r"[0-9]{10}", re.ASCII)
_CHECKED = 1  # What the remainder of a number with its right check digit comes to.


class AccountNumberMalformed(Invalid):
    """An account number is ten digits, of which the last is right for the nine before it."""

    code = "ACCOUNT_NUMBER_MALFORMED"
    hint = "Check the ten digits printed on the bill; a digit is wrong, missing, or swapped."


def account_no(number: int) -> str:
    """Return the account number made of `number`, at most nine digits, with its check digit."""
    assert 0 <= number <= _NUMBER_MAX, "an account number has nine digits before its check digit"
    digits = f"{number:09}"
    return digits + str((_CHECKED - _state_after(digits)) % _MODULUS)


def has_check_digit(text: str) -> bool:
    """
    Test if `text` is ten digits of which the last is the check digit of the others.

    Every single wrong digit is caught, as is every swap of two neighbours that differ by 2 to 8;
    of swaps of digits that follow each other (0 follows 9), nine in ten are caught.

    Source: ISO 7064, hybrid system MOD 11,10.
    """
    if not _ACCOUNT_NO.fullmatch(text):
        return False
    return (_state_after(text[:-1]) + int(text[-1])) % _MODULUS == _CHECKED


def checked(text: str) -> str:
    """
    Return `text`, an account number that someone typed.

    :raises AccountNumberMalformed: if it cannot be one
    """
    if not has_check_digit(text):
        raise AccountNumberMalformed(f"account number is {text!r}")
    return text


def _state_after(digits: str) -> int:
    state = _MODULUS
    for digit in digits:
        total = (state + int(digit)) % _MODULUS or _MODULUS
        state = 2 * total % (_MODULUS + 1)
    return state
