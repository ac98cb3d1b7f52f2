"""A backup is due when the clock says so, also when it was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ha.backups import schedule
from ha.backups.repository import Backup, Contents
from ha.backups.schedule import ZONE, due

# A Sunday at 02:00 in Beijing, when a full backup begins.
SUNDAY = datetime(2026, 11, 22, 2, 0, tzinfo=ZONE)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def taken(kind, began):
    return Backup(label="x", kind=kind, began=began, ended=began + 5 * MINUTE)


def having(*backups):
    return Contents(has_stanza=True, backups=backups)


def test_a_new_repository_gets_a_full_backup_at_once():
    assert due(SUNDAY + 55 * HOUR, having()) == "full"


def test_nothing_is_due_right_after_a_full_backup():
    assert due(SUNDAY + 6 * MINUTE, having(taken("full", SUNDAY))) is None


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (timedelta(hours=5, minutes=59), None),
        (timedelta(hours=6), "incr"),
        (timedelta(days=6, hours=23, minutes=59), "incr"),
        (timedelta(days=7), "full"),
    ],
)
def test_six_hours_later_an_incremental_one_is_due_a_week_later_a_full_one(after, kind):
    assert due(SUNDAY + after, having(taken("full", SUNDAY))) == kind


def test_an_incremental_backup_is_due_once_per_slot():
    full, incremental = taken("full", SUNDAY), taken("incr", SUNDAY + 6 * HOUR)
    assert due(SUNDAY + 7 * HOUR, having(full, incremental)) is None
    assert due(SUNDAY + 12 * HOUR, having(full, incremental)) == "incr"


def test_an_incremental_backup_does_not_stand_for_a_full_one():
    old, newer = taken("full", SUNDAY), taken("incr", SUNDAY + 7 * 24 * HOUR)
    assert due(SUNDAY + 7 * 24 * HOUR + HOUR, having(old, newer)) == "full"


def test_a_first_backup_in_the_middle_of_the_week_does_not_put_off_the_next_sunday():
    friday = SUNDAY + timedelta(days=5, hours=10)
    assert due(SUNDAY + timedelta(days=7), having(taken("full", friday))) == "full"


def test_a_slot_missed_while_the_host_was_off_is_due_when_it_is_back():
    assert due(SUNDAY + timedelta(days=9), having(taken("full", SUNDAY))) == "full"


def test_the_slots_are_those_of_business_time_in_any_zone():
    in_utc = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
    assert schedule.last_full_slot(in_utc) == SUNDAY
    assert schedule.last_full_slot(in_utc - MINUTE) == SUNDAY - timedelta(days=7)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1500)))
def test_a_slot_is_never_in_the_future_nor_further_back_than_its_interval(after):
    now = SUNDAY + after
    full, incremental = schedule.last_full_slot(now), schedule.last_incremental_slot(now)
    assert full <= incremental <= now
    assert now - full < timedelta(days=7)
    assert now - incremental < schedule.INCREMENTAL_EVERY
