"""What pgBackRest prints is understood; its archive is found to be as old as it is."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

from ha.backups import repository

# As pgBackRest 2.45 prints it, without what nobody reads.
FULL = {
    "label": "20261124-215518F", "type": "full", "error": False,
    "timestamp": {"start": 1795557318, "stop": 1795557333},
}  # fmt: skip
INCREMENTAL = {
    "label": "20261124-215518F_20261125-040003I", "type": "incr", "error": False,
    "timestamp": {"start": 1795579203, "stop": 1795579210},
}  # fmt: skip


def printed(code, *backups, name="main"):
    return json.dumps([{"name": name, "status": {"code": code}, "backup": list(backups)}])


def test_backups_are_read_oldest_first():
    found = repository.parse(printed(0, INCREMENTAL, FULL), stanza="main")
    assert [backup.kind for backup in found.backups] == ["full", "incr"]
    assert found.newest() == found.newest("incr") == found.backups[1]
    assert found.newest("full") == found.backups[0]
    assert found.newest("diff") is None


def test_a_backup_counts_from_the_second_after_it_ended():
    (found,) = repository.parse(printed(0, FULL), stanza="main").backups
    assert found.ended == datetime.fromtimestamp(1795557334, UTC)


def test_a_faulty_backup_is_none():
    assert repository.parse(printed(0, FULL | {"error": True}), stanza="main").backups == ()


def test_a_stanza_without_backups_is_there_a_missing_one_is_not():
    assert repository.parse(printed(2), stanza="main").has_stanza
    assert not repository.parse(printed(1), stanza="main").has_stanza
    assert not repository.parse(printed(3), stanza="main").has_stanza
    assert not repository.parse("[]", stanza="main").has_stanza


def test_another_data_centre_in_the_same_repository_does_not_count():
    assert repository.parse(printed(0, FULL, name="other"), stanza="main").backups == ()


def test_segments_are_told_from_history_partial_segments_or_labels():
    digest = "-" + "ab" * 20
    names = [
        "15-1/0000000100000000/000000010000000000000005" + digest + ".lz4",
        "0000000100000000/000000010000000000000006" + digest + ".zst",
        "000000010000000000000007",
        "00000002.history",
        "000000010000000000000008.partial" + digest + ".lz4",
        "000000010000000000000005.00000028.backup",
        "archive.info",
    ]
    assert repository.segments(names) == {f"00000001000000000000000{n}" for n in (5, 6, 7)}


def test_the_archive_is_as_old_as_the_newest_segment_of_the_newest_timeline(tmp_path):
    assert repository.last_archived_at(tmp_path, stanza="main") is None
    for name, at in [
        ("0000000100000000/0000000100000000000000FF", 100),
        ("0000000200000001/000000020000000100000000", 300),
        ("0000000200000001/000000020000000100000001", 200),
        ("0000000200000001/000000020000000100000002.partial", 900),
        ("0000000100000000/000000010000000000000001", 50),
    ]:
        path = tmp_path / "archive" / "main" / "15-1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at, at))
    assert repository.last_archived_at(tmp_path, stanza="main") == 300


def test_an_empty_folder_of_a_new_timeline_does_not_hide_the_archive(tmp_path):
    old = tmp_path / "archive" / "main" / "15-1" / "0000000100000000" / ("0" * 24)
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (100, 100))
    (old.parent.parent / "0000000200000000").mkdir()
    assert repository.last_archived_at(tmp_path, stanza="main") == 100
