import threading
from dataclasses import replace

import psycopg2
import pytest

from ha.warden import patience
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.errands import Errands
from ha.warden.facts import GOING_DOWN, Canary, Postgres, Store, Verdict
from ha.warden.postgres import PostgresSilent
from ha.warden.watches import CanaryWatch, PostgresWatch, StoreWatch

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
        said = next(self.says)
        if isinstance(said, Exception):
            raise said
        return said


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


class EndedByShutdown(psycopg2.OperationalError):
    pgcode = "57P01"


@pytest.mark.parametrize(
    "told",
    [EndedByShutdown(), psycopg2.OperationalError("FATAL:  the database system is shutting down")],
)
def test_a_server_that_is_going_down_gets_no_clients_any_more(tmp_path, told):
    board = Board(canary=Canary(tried_s=now_s(), worked_s=now_s()), is_eager=True)
    watch = PostgresWatch(board, Server(PRIMARY, told), tmp_path)
    assert watch.look() == patience.POSTGRES_EAGER_S
    board.hurry_canary.clear()
    assert watch.look() == patience.POSTGRES_EVERY_S, "it is not asked more often for going down"
    assert board.canary.is_going_down
    assert board.hurry_canary.is_set(), "it was but this one session, perhaps"


def test_a_stop_that_was_announced_is_looked_out_for_though_not_for_ever(tmp_path):
    board = Board(stop_planned_s=now_s() - patience.STOP_FOLLOWS_S + 1)
    watch = PostgresWatch(board, Server(PRIMARY, PRIMARY), tmp_path)
    assert watch.look() == patience.POSTGRES_EAGER_S
    board.stop_planned_s = now_s() - patience.STOP_FOLLOWS_S
    assert watch.look() == patience.POSTGRES_EVERY_S


class Written:
    """A PostgreSQL that takes a canary as it is told to; meanwhile something else may happen."""

    def __init__(self, error, meanwhile=lambda: None):
        self.error = error
        self.meanwhile = meanwhile

    def write_canary(self, host, before, *, clock_s):
        self.meanwhile()
        return Canary(tried_s=clock_s, worked_s=before.worked_s, error=self.error)


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [
        ("", patience.CANARY_EVERY_S),
        ("refused", patience.CANARY_AGAIN_S),
        (GOING_DOWN, patience.CANARY_DOOMED_S),
    ],
)
def test_a_server_that_ends_is_not_written_to_in_haste(error, pause_s):
    board = Board(postgres=PRIMARY, canary=Canary(tried_s=1, worked_s=1))
    assert CanaryWatch(board, Written(error), "db1").look() == pause_s


def test_a_write_that_failed_while_the_server_said_that_it_ends_is_as_old_as_can_be():
    board = Board(postgres=PRIMARY, canary=Canary(tried_s=now_s(), worked_s=now_s()))

    def goes_down():
        board.canary = Canary(tried_s=1, worked_s=float("-inf"), error=GOING_DOWN)

    CanaryWatch(board, Written("57P01", goes_down), "db1").look()
    assert board.canary.worked_s == float("-inf")


def test_a_server_that_says_nothing_keeps_its_clients_for_now(tmp_path):
    board = Board(canary=Canary(tried_s=now_s(), worked_s=now_s()))
    watch = PostgresWatch(board, Server(PostgresSilent()), tmp_path)
    watch.look()
    assert board.canary is not None


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


class Records:
    """An etcd with one verdict, which notes what it is told."""

    def __init__(self):
        self.verdict = None
        self.signs = []

    def read(self, *, beat, before, now_s, knows):
        if beat is not None:
            self.signs.append((not beat.is_in_recovery, knows))
        return Store(seen_s=now_s, verdict=self.verdict)


def test_a_sign_of_life_names_the_verdict_that_was_known_when_postgres_was_looked_at(monkeypatch):
    monkeypatch.setattr(patience, "BEAT_OF_REPLICA_S", 0.0)
    board, records = Board(postgres=replace(PRIMARY, seen_s=now_s())), Records()
    watch = StoreWatch(board, records)
    watch.refresh()
    records.verdict = Verdict(about=1, against="db1", lease=1, revision=30)
    watch.refresh()
    watch.refresh()
    assert records.signs == [(True, 0)] * 3  # it was looked at before the verdict was known
    board.postgres = replace(ALONE, seen_s=now_s())
    watch.refresh()
    assert records.signs[-1] == (False, 30)


def test_a_watch_that_fails_ends_the_warden():
    board = Board()
    work = threading.Thread(target=board.watched(lambda: 1 / 0))
    work.start()
    work.join()
    assert board.has_failed
    assert board.stopped.is_set()


def test_a_deed_that_takes_long_holds_up_nobody_and_is_not_begun_twice():
    board, is_over, begun = Board(), threading.Event(), []

    def deed():
        begun.append(True)
        is_over.wait(10)

    errands = Errands(board)
    assert errands.send("hand over", deed)
    assert not errands.send("hand over", deed)
    assert errands.send("wake", is_over.set)
    errands._out["hand over"].join()
    assert errands.send("hand over", deed)
    errands._out["hand over"].join()
    assert len(begun) == 2
    assert not board.has_failed
