"""Passwords of the staff: what may be one."""

from __future__ import annotations

import unicodedata

from service.domain.errors import Conflict, Invalid

# Length is what counts, not kinds of characters. Source: NIST SP 800-63B-4, 3.1.1.2, which asks for
# 8 beside a second factor; 12 is out of reach of guessing from a stolen table.
LENGTH_MIN = 12
# Nobody types more; hashing takes longer the more there is.
LENGTH_MAX = 128
_DIFFERENT_MIN = 5


class PasswordTooShort(Invalid):
    """A password is shorter than anybody may have, or longer than anybody can type."""

    code = "PASSWORD_LENGTH_REFUSED"
    hint = f"Choose {LENGTH_MIN} to {LENGTH_MAX} characters; a sentence is easily remembered."


class PasswordGuessable(Invalid):
    """A password is what a guesser tries first."""

    code = "PASSWORD_GUESSABLE"
    hint = "Leave your user name out; use more than a few different characters."


class PasswordUnchanged(Conflict):
    """A new password is the old one."""

    code = "PASSWORD_UNCHANGED"
    hint = "Choose a password that you have not been given or used before."


def normalised(password: str) -> str:
    """
    Return `password` as every keyboard means it: one character may be encoded in several ways.

    Source: NIST SP 800-63B-4, 3.1.1.2 (Unicode normalisation before hashing).
    """
    return unicodedata.normalize("NFKC", password)


def check(password: str, *, user_name: str) -> None:
    """
    Let a new `password` pass if it is worth having; what it is, no refusal repeats.

    :raises PasswordTooShort: if it has too few characters, or too many
    :raises PasswordGuessable: if the user name is in it, or hardly two characters differ
    """
    meant = normalised(password)
    if not LENGTH_MIN <= len(meant) <= LENGTH_MAX:
        raise PasswordTooShort(f"the new password has {len(meant)} characters")
    if user_name.casefold() in meant.casefold():
        raise PasswordGuessable("the new password has the user name in it")
    if len(set(meant)) < _DIFFERENT_MIN:
        raise PasswordGuessable(f"the new password has {len(set(meant))} different characters")


def check_change(current: str, new: str, *, user_name: str) -> None:
    """
    Let a new password pass if it is another one, worth having.

    :raises PasswordUnchanged: if it is the current one
    :raises PasswordTooShort: if it has too few characters, or too many
    :raises PasswordGuessable: if the user name is in it, or hardly two characters differ
    """
    if normalised(current) == normalised(new):
        raise PasswordUnchanged("the new password is the current one")
    check(new, user_name=user_name)
