from __future__ import annotations

from service.store.positions import Told, forks, lsn_of, lsn_text, told


def test_a_primary_tells_its_timeline_with_what_it_has_flushed():
    said = told("primary 0000000A00000001000000AB 1/AB000028")
    assert (said.is_primary, said.newest, said.seen_lsn) == (True, 10, 0x1_AB00_0028)


def test_a_replica_may_have_shown_all_it_received():
    said = told("replica 0/3000060 0/3000148 2 -")
    assert said == Told(
        is_primary=False, replayed_lsn=0x3000060, received_lsn=0x3000148, receiving=2, newest=1
    )
    assert (said.seen_lsn, said.is_sure) == (0x3000148, True)


def test_a_replica_that_receives_nothing_tells_the_newest_timeline_it_heard_of():
    said = told("replica 0/3000060 0/3000060 - 0000000B.history")
    assert (said.receiving, said.newest, said.is_sure) == (None, 11, True)
    assert told("replica 0/3000060 0/3000060 - -").newest == 1


def test_a_replica_that_replays_what_it_did_not_receive_cannot_say_what_it_showed():
    assert not told("replica 0/3000060 0/0 - -").is_sure


def test_a_history_file_tells_where_each_timeline_ended():
    text = "1\t0/50000A0\tno recovery target specified\n\n# a remark\n2\t1/0\tno recovery target\n"
    assert forks(text) == {1: 0x50000A0, 2: 1 << 32}


def test_an_lsn_is_written_as_postgres_does():
    for text in ("0/0", "1/AB000028", "FFFFFFFF/FFFFFFFF"):
        assert lsn_text(lsn_of(text)) == text
