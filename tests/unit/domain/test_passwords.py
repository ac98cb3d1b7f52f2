"""What may be a password."""

from __future__ import annotations

import pytest

from service.domain import passwords
from service.domain.passwords import PasswordGuessable, PasswordTooShort, PasswordUnchanged


@pytest.mark.parametrize(
    "password", ["abcdefghijkl", "a" * 100 + "bcdefgh", "电表读数在每月的最后一天晚上"]
)
def test_length_is_what_counts(password):
    passwords.check(password, user_name="li.ming")


@pytest.mark.parametrize("password", ["abcdefghijk", "", "abcdefgh" * 16 + "a"])
def test_a_password_has_a_length(password):
    with pytest.raises(PasswordTooShort) as refused:
        passwords.check(password, user_name="li.ming")
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["aaaabbbbccccdddd", "I am Li.Ming, hello", "ｌｉ．ｍｉｎｇ is my name"]
)
def test_a_password_is_not_the_first_that_a_guesser_tries(password):
    with pytest.raises(PasswordGuessable) as refused:
        passwords.check(password, user_name="li.ming")
    assert password not in str(refused.value)


def test_a_new_password_is_another_one():
    with pytest.raises(PasswordUnchanged):
        passwords.check_change("ﬁrst of many words", "first of many words", user_name="li.ming")
