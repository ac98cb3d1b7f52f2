"""Reading findings: the work list of whoever looks at readings before they are billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.principals import Caller

State = Literal["open", "accepted", "overtaken"]


class FindingUnknown(Missing):
    """No finding has this number."""

    code = "READING_FINDING_UNKNOWN"
    hint = "List the findings that wait for somebody."


class FindingSettled(Conflict):
    """Somebody has accepted it, or the reading is no longer what it was about."""

    code = "READING_FINDING_SETTLED"
    hint = "Nothing is left to do; what else is odd about the reading is a finding of its own."


class OwnReading(Forbidden):
    """Whoever took the reading, or had it corrected, does not judge it."""

    code = "OWN_READING"
    hint = "Let somebody else accept it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFinding:
    """
    A finding about a reading that was to be billed.

    `overtaken` if the reading was corrected since, is billed, or has come to another energy.
    `hands` had a part in what the reading says, who took it first. `accepted_by`, `accepted_at`
    and `reason` are null until somebody accepts it.
    """

    finding_no: int
    state: State
    account_no: str
    kind: str
    detail: str
    read_at: datetime
    register: str
    consumption_kwh: int
    hands: tuple[str, ...]
    found_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPage:
    """Findings that wait for somebody, the oldest first."""

    items: list[ReadingFinding]
    next_cursor: str | None


def check_acceptance(finding: ReadingFinding, *, by: Caller) -> None:
    """
    Let somebody accept a finding who had no part in the reading.

    Source: process `monthly_billing`, step `exceptions` (another than the reader).
    :raises FindingSettled: if it was accepted, or overtaken
    :raises OwnReading: if `by` took the reading, or had a part in its correction
    """
    if finding.state != "open":
        raise FindingSettled(f"finding {finding.finding_no} is {finding.state}")
    if by.name in finding.hands:
        raise OwnReading(f"{by.name} had a part in the reading of finding {finding.finding_no}")
