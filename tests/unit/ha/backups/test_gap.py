"""What a lost primary took with it is found among what its replica received."""

from __future__ import annotations

from ha.backups import gap
from ha.backups.pgbackrest import Pgbackrest, PgbackrestFailed


def segment(timeline, number):
    return f"{timeline:08X}{0:08X}{number:08X}"


def done(*segments):
    return [f"{name}.done" for name in segments]


def test_a_segment_received_whole_that_is_in_no_archive_is_missing():
    old = [segment(1, number) for number in (3, 4, 5)]
    present = [*old, segment(2, 6)]
    assert gap.missing(done(*old), present=present, archived={old[0]}) == old[1:]


def test_nothing_is_missing_after_a_planned_switchover():
    old = [segment(1, number) for number in (3, 4)]
    assert gap.missing(done(*old), present=[*old, segment(2, 5)], archived=set(old)) == []


def test_the_segment_in_which_a_timeline_ended_is_not_whole():
    ended = segment(1, 5)
    present = [ended, segment(2, 5), segment(2, 6)]
    assert gap.missing(done(ended), present=present, archived=set()) == []


def test_what_the_new_primary_has_still_to_archive_is_left_to_it():
    present = [segment(2, 5)]
    assert gap.missing([f"{present[0]}.ready"], present=present, archived=set()) == []


def test_history_partial_segments_or_recycled_ones_are_none_of_it():
    marks = done("00000002.history", f"{segment(1, 5)}.partial", segment(1, 1))
    assert gap.missing(marks, present=[segment(2, 5)], archived=set()) == []


class Archive(Pgbackrest):
    """An archive that has what it has; `refused` cannot be added."""

    def archived(self):
        return {segment(1, 3)}

    def archive(self, segment):
        if segment.endswith("5"):
            raise PgbackrestFailed("refused")


def test_what_could_not_be_archived_is_said_so_that_it_is_tried_again(tmp_path):
    (tmp_path / "archive_status").mkdir()
    for number in (3, 4, 5):
        (tmp_path / segment(1, number)).touch()
        (tmp_path / "archive_status" / f"{segment(1, number)}.done").touch()
    complaints = gap.close(tmp_path, Archive(stanza="main"))
    assert complaints == [f"WAL segment {segment(1, 5)} is missing from the archive: refused"]
