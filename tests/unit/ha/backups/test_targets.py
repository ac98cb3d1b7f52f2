"""A restore starts from the right backup, or is refused with what can be had instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ha.backups import targets
from ha.backups.repository import Backup, Contents

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def taken(label, ended):
    return Backup(label=label, kind="full", began=ended - HOUR / 4, ended=ended)


HELD = Contents(
    has_stanza=True,
    backups=(taken("first", NOON), taken("second", NOON + HOUR), taken("third", NOON + 2 * HOUR)),
)
NOW = NOON + 5 * HOUR


def chosen(target):
    return targets.choose(HELD, target=target, now=NOW).label


def test_without_a_target_the_newest_backup_is_taken():
    assert chosen(None) == "third"


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (NOON, "first"),
        (NOON + HOUR - timedelta(microseconds=1), "first"),
        (NOON + HOUR, "second"),
        (NOON + 4 * HOUR, "third"),
        (NOW, "third"),
    ],
)
def test_the_backup_to_start_from_was_consistent_by_then(target, label):
    assert chosen(target) == label


def test_a_time_before_the_first_backup_is_refused_with_the_earliest_one():
    with pytest.raises(targets.TargetBeforeFirstBackup, match="from 2026-11-24 20:00:00"):
        chosen(NOON - timedelta(microseconds=1))


def test_a_time_in_the_future_is_refused():
    with pytest.raises(targets.TargetInTheFuture, match="it is 2026-11-25 01:00:00"):
        chosen(NOW + timedelta(seconds=1))


def test_without_a_backup_there_is_nothing_to_restore():
    with pytest.raises(targets.NothingToRestore):
        targets.choose(Contents(has_stanza=True, backups=()), target=None, now=NOW)


@pytest.mark.parametrize(
    "text", ["2026-11-24T12:00:00+00:00", "2026-11-24 20:00:00", "2026-11-24T20:00+08:00"]
)
def test_a_time_without_an_offset_is_business_time(text):
    assert targets.read(text) == NOON


def test_what_is_no_time_is_refused():
    with pytest.raises(targets.TargetUnreadable, match="write it as"):
        targets.read("yesterday")


def test_postgresql_is_told_every_microsecond():
    moment = NOON + timedelta(microseconds=1)
    assert targets.as_postgresql(moment) == "2026-11-24 12:00:00.000001+00"
