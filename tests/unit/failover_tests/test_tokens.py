"""Which consistency token a client sends back."""

from __future__ import annotations

import itertools

import pytest

from failover_tests.workload.tokens import ConsistencyTokens

# In the order of the WAL: a location's halves are hexadecimal, a timeline decimal.
IN_ORDER = ("9/0/FF", "10/0/9", "10/0/A", "10/0/10", "10/1/0")


def test_without_an_answer_there_is_nothing_to_send_back():
    assert ConsistencyTokens().headers("1000000001") == {}


@pytest.mark.parametrize(("older", "newer"), list(itertools.combinations(IN_ORDER, 2)))
def test_the_newest_token_is_kept_whichever_answer_comes_first(older, newer):
    for order in ((older, newer), (newer, older)):
        tokens = ConsistencyTokens()
        for token in order:
            tokens.keep("1000000001", token)
        assert tokens.headers("1000000001") == {"Consistency-Token": newer}


def test_an_answer_without_a_token_changes_nothing():
    tokens = ConsistencyTokens()
    tokens.keep("1000000001", "1/0/A")
    tokens.keep("1000000001", None)
    assert tokens.headers("1000000001") == {"Consistency-Token": "1/0/A"}


def test_each_account_has_its_own_token():
    tokens = ConsistencyTokens()
    tokens.keep("1000000001", "1/0/A")
    assert tokens.headers("1000000002") == {}
