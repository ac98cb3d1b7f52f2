"""Which consistency token a client sends back."""

from __future__ import annotations

import itertools

import pytest

from failover_tests.workload.tokens import ConsistencyTokens

# As the service writes them: of fixed width, hexadecimal.
IN_ORDER = (
    "00000009/00000000000000FF",
    "0000000A/0000000000000009",
    "0000000A/000000000000000A",
    "0000000A/0000000000000010",
    "0000000A/0000000100000000",
)


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
    tokens.keep("1000000001", IN_ORDER[0])
    tokens.keep("1000000001", None)
    assert tokens.headers("1000000001") == {"Consistency-Token": IN_ORDER[0]}


def test_each_account_has_its_own_token():
    tokens = ConsistencyTokens()
    tokens.keep("1000000001", IN_ORDER[0])
    assert tokens.headers("1000000002") == {}
