"""A restore says how far it got, or why it cannot get there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ha import topology
from ha.lab import recovery, restore, state
from ha.lab.layout import Layout

ENDED = "FATAL:  recovery ended before configured recovery target was reached\n"
REACHED = "2026-11-24 23:02:57 UTC [60] LOG:  last completed transaction was at log time {}\n"
SEGMENT = "000000020000000000000011"


@pytest.fixture
def lab(tmp_path):
    """A lab as far as its logs go; `wrote` is what PostgreSQL of a host logged."""

    def log_folder(host):
        return tmp_path / host

    def wrote(host, text):
        path = tmp_path / host / "postgresql" / "postgresql-Tue.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    layout = SimpleNamespace(log_folder=log_folder)
    return SimpleNamespace(layout=layout, topology=topology.load(), wrote=wrote)


def test_the_last_transaction_is_that_of_the_host_that_recovered(lab):
    assert recovery.reached(lab) is None
    lab.wrote("db2", REACHED.format("2026-11-24 23:02:30.7+00"))
    assert recovery.reached(lab) == "2026-11-24 23:02:30.7+00"


def test_a_recovery_that_found_the_end_of_the_archive_first_is_given_up(lab):
    lab.wrote("db1", REACHED.format("2026-11-24 23:02:30.7+00"))
    recovery.assert_possible(lab)
    lab.wrote("db3", ENDED)
    with pytest.raises(recovery.ArchiveTooShort, match="leave --to out"):
        recovery.assert_possible(lab)


@pytest.mark.parametrize(
    ("archived", "is_reached"),
    [
        (None, False),
        ("000000020000000000000010", False),
        ("00000002.history", False),
        (SEGMENT, True),
        (f"{SEGMENT}.partial", True),
        ("000000020000000000000012", True),
        ("00000003.history", True),
    ],
)
def test_the_archive_has_come_as_far_as_a_segment(archived, is_reached):
    assert restore._is_reached(SEGMENT, archived) is is_reached


def test_a_lab_that_is_there_is_not_restored_over(monkeypatch):
    known = state.State(topology=topology.load(), release="/", is_born=True)
    monkeypatch.setattr(state, "load", lambda _layout: known)
    request = restore.Request(
        source=Layout("main"), layout=Layout("fresh"), subnet="10.79.0.0/24",
        target=None, release="/", is_bare=True,
    )  # fmt: skip
    with pytest.raises(restore.LabExists, match="choose another --name"):
        restore.restore(request, progress=None)
