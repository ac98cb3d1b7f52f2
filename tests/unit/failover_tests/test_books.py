"""How the history of timelines is read."""

from __future__ import annotations

from failover_tests.books import Switch, parse_switches


def test_a_history_file_names_where_each_timeline_ended():
    text = "1\t0/5000000\tno recovery target specified\n\n2\t1/A0\tno recovery target specified\n"
    assert parse_switches(text) == (Switch(1, 0x5000000), Switch(2, (1 << 32) + 0xA0))


def test_the_first_timeline_has_no_history():
    assert parse_switches("") == ()
