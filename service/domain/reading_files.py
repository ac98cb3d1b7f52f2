"""Reading files: what becomes of each line of a file of readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.domain.errors import Invalid, Refusal
from service.domain.reading_batches import BatchReport, refused, report_of
from service.domain.readings import NewReading


class FileUnreadable(Invalid):
    """A file is not a table in UTF-8."""

    code = "FILE_UNREADABLE"
    hint = "Send CSV (RFC 4180) in UTF-8, with commas between the fields."


class FileHeaderRefused(Invalid):
    """A file does not begin by naming the columns there are."""

    code = "FILE_HEADER_REFUSED"
    hint = (
        "Name account_no, register, read_at, source in the first line, is_roll_over_confirmed "
        "where a register began again, peak, valley and so on where meters count by period."
    )


class ReadingLineMalformed(Invalid):
    """A line has not what the first line names."""

    code = "READING_LINE_MALFORMED"
    hint = "Write a field for each column, read_at with its offset: 2026-03-31T18:00:00+08:00."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line by its number, of which the first names the columns: a reading, or why it is none."""

    line: int
    account_no: str
    content: NewReading | Refusal


def readings_of(lines: Sequence[FileLine]) -> list[NewReading]:
    """Return the readings that there are, in the order of their lines."""
    return [line.content for line in lines if isinstance(line.content, NewReading)]


def report(lines: Sequence[FileLine], judged: BatchReport) -> BatchReport:
    """
    Return what became of each line, by its number.

    :param judged: what became of `readings_of(lines)`
    """
    told = iter(judged.results)
    return report_of(
        refused(line.line, line.account_no, line.content)
        if isinstance(line.content, Refusal)
        else replace(next(told), item=line.line)
        for line in lines
    )
