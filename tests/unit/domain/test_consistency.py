from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.consistency import Position, Standing, parsed, standing

NUMBERS = st.builds(Position, st.integers(1, 2**32 - 1), st.integers(0, 2**64 - 1))
# Timeline 3 left 2 at 2000, which had left 1 at 1000.
FORKS = {1: 1000, 2: 2000}


@given(NUMBERS)
def test_a_token_is_read_as_it_was_written(position):
    assert parsed(str(position)) == position


@given(NUMBERS, NUMBERS)
def test_tokens_compare_as_text_like_the_positions_they_name(one, other):
    assert (str(one) < str(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3/0/1A2B3C8",
        "00000003/0000000001a2b3c8",
        "00000003/0000000001A2B3C",
        "00000003-0000000001A2B3C8",
        "00000003/0000000001A2B3C8\n",
        " 00000003/0000000001A2B3C8",
        "٠٠٠٠٠٠٠٣/0000000001A2B3C8",
    ],
)
def test_what_we_did_not_write_is_no_token(text):
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("wanted", "replayed_lsn", "expected"),
    [
        (Position(3, 2500), 2500, Standing.PAST),
        (Position(3, 2501), 2500, Standing.BEHIND),
        (Position(2, 2000), 2500, Standing.PAST),  # the very end of timeline 2
        (Position(2, 2001), 2500, Standing.ASTRAY),
        (Position(2, 1500), 1400, Standing.BEHIND),
        (Position(1, 1000), 2500, Standing.PAST),
        (Position(1, 1001), 2500, Standing.ASTRAY),
        (Position(4, 100), 2500, Standing.BEHIND),  # not followed yet
    ],
)
def test_a_replica_has_what_its_own_history_holds(wanted, replayed_lsn, expected):
    assert standing(wanted, timeline=3, replayed_lsn=replayed_lsn, forks=FORKS) is expected


def test_a_timeline_that_is_no_ancestor_is_never_past():
    wanted = Position(2, 100)
    assert standing(wanted, timeline=3, replayed_lsn=999, forks={1: 1000}) is Standing.ASTRAY
