"""What is due is done; what fails is counted, then due again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import prometheus_client
import pytest

from ha.backups import metrics
from ha.backups.pgbackrest import Pgbackrest, PgbackrestFailed
from ha.backups.repository import Backup, Contents
from ha.backups.rounds import CHECK_EVERY, Rounds

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FULL = Backup(label="f", kind="full", began=NOW - timedelta(minutes=2), ended=NOW)


@dataclass
class Pretended:
    """PgBackRest, as far as the rounds see it; `failing` are the commands that fail."""

    has_stanza: bool = True
    backups: tuple[Backup, ...] = ()
    failing: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def contents(self):
        self._do("info")
        return Contents(has_stanza=self.has_stanza, backups=self.backups)

    def create_stanza(self):
        self._do("stanza-create")
        self.has_stanza = True

    def check(self):
        self._do("check")

    def back_up(self, kind, *, from_replica):
        self._do(f"{kind} from {'replica' if from_replica else 'primary'}")
        self.backups = (*self.backups, FULL)

    def _do(self, command):
        self.done.append(command)
        if command in self.failing:
            raise PgbackrestFailed(f"{command} was told to fail")


@pytest.fixture
def rounds(tmp_path):
    def of(pretended):
        return Rounds(pretended, proof=tmp_path / "proof")

    return of


def value(name, **labels):
    return prometheus_client.REGISTRY.get_sample_value(name, labels)


def test_a_fresh_data_centre_gets_a_stanza_a_check_then_its_first_full_backup(rounds):
    pretended = Pretended(has_stanza=False)
    rounds(pretended).go(NOW)
    assert pretended.done == ["info", "stanza-create", "check", "full from replica", "info"]


def test_without_a_stanza_nothing_else_is_tried(rounds):
    pretended = Pretended(has_stanza=False, failing={"stanza-create"})
    rounds(pretended).go(NOW)
    assert pretended.done == ["info", "stanza-create"]


def test_a_backup_comes_from_the_primary_if_no_replica_can_give_it(rounds):
    pretended = Pretended(failing={"full from replica"})
    rounds(pretended).go(NOW)
    assert pretended.done[-3:] == ["full from replica", "full from primary", "info"]


def test_a_backup_that_failed_is_due_again_next_time(rounds):
    pretended = Pretended(failing={"full from replica", "full from primary"})
    going = rounds(pretended)
    going.go(NOW)
    pretended.failing.clear()
    going.go(NOW + timedelta(seconds=10))
    assert pretended.backups == (FULL,)


def test_the_archive_is_checked_every_five_minutes(rounds):
    pretended = Pretended(backups=(FULL,))
    going = rounds(pretended)
    for after in (timedelta(0), timedelta(seconds=10), CHECK_EVERY):
        going.go(NOW + after)
    assert pretended.done.count("check") == 2


def test_a_repository_that_cannot_be_read_is_counted_and_left_alone(rounds):
    before = value("evergrid_backup_failures_total", command="info") or 0
    pretended = Pretended(failing={"info"})
    rounds(pretended).go(NOW)
    assert pretended.done == ["info"]
    assert value("evergrid_backup_failures_total", command="info") == before + 1


def test_the_age_of_a_backup_is_shown(rounds):
    rounds(Pretended(backups=(FULL,))).go(NOW)
    assert value("evergrid_backup_last_timestamp_seconds", kind="full") == NOW.timestamp()


def test_the_age_of_the_archive_is_looked_up_when_somebody_asks(tmp_path):
    metrics.watch_archive(tmp_path, stanza="main")
    assert value("evergrid_archive_last_wal_timestamp_seconds") == 0
    segment = tmp_path / "archive" / "main" / "15-1" / "0000000100000000" / ("0" * 24)
    segment.parent.mkdir(parents=True)
    segment.touch()
    archived_at = segment.stat().st_mtime
    assert value("evergrid_archive_last_wal_timestamp_seconds") == archived_at


def test_before_the_first_proof_a_restore_counts_as_old_as_the_first_backup(rounds, tmp_path):
    pretended = Pretended(backups=(FULL,))
    rounds(pretended).go(NOW)
    assert value("evergrid_restore_proven_timestamp_seconds") == NOW.timestamp()
    (tmp_path / "proof").touch()
    rounds(pretended).go(NOW)
    proven = (tmp_path / "proof").stat().st_mtime
    assert value("evergrid_restore_proven_timestamp_seconds") == proven


def test_a_command_that_fails_says_why_in_its_own_words(tmp_path, monkeypatch):
    (tmp_path / "pgbackrest").write_text(
        "#!/bin/sh\necho 'ERROR: [056]: no primary' >&2\nexit 56\n"
    )
    (tmp_path / "pgbackrest").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(PgbackrestFailed, match=r"check ended with 56: ERROR: \[056\]: no primary"):
        Pgbackrest(stanza="main").check()


def test_a_pgbackrest_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PgbackrestFailed, match=r"No such file.*pgbackrest"):
        Pgbackrest(stanza="main").check()
