from dataclasses import replace

import pytest

from ha.warden import patience
from ha.warden.board import Board
from ha.warden.facts import Postgres
from ha.warden.watches import PostgresWatch

STREAMING = Postgres(
    seen_s=0, is_in_recovery=True, timeline=1, lsn=0, streams_from="db1", has_received=True
)
ALONE = replace(STREAMING, streams_from=None, has_received=False)
PRIMARY = replace(ALONE, is_in_recovery=False)


class Server:
    """A PostgreSQL that says what it is told to say."""

    def __init__(self, *says):
        self.says = iter(says)

    def state(self, before, *, now_s):
        return next(self.says)


def watched(folder, *says):
    board = Board()
    watch = PostgresWatch(board, Server(*says), folder)
    return board, [watch.look() for _ in says]


@pytest.mark.parametrize(
    ("says", "is_eager"),
    [([STREAMING, STREAMING], False), ([STREAMING, ALONE], True), ([ALONE, ALONE], False)],
)
def test_a_stream_that_has_just_ended_makes_everybody_look_more_often(tmp_path, says, is_eager):
    board, pauses = watched(tmp_path, *says)
    assert board.is_eager == board.hurry_store.is_set() == is_eager
    eager_s, calm_s = patience.POSTGRES_EAGER_S, patience.POSTGRES_EVERY_S
    assert pauses == [calm_s, eager_s if is_eager else calm_s]


def test_only_what_comes_in_is_noted(tmp_path):
    note = tmp_path / "streamed_at"
    watched(tmp_path, ALONE, PRIMARY)
    assert not note.exists()
    watched(tmp_path, STREAMING)
    assert int(note.read_text()) > 0


def test_eagerness_that_goes_on_hurries_nobody_again():
    board = Board()
    board.be_eager(is_eager=True)
    board.hurry_postgres.clear()
    board.be_eager(is_eager=True)
    assert not board.hurry_postgres.is_set()
