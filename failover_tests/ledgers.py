"""Ledgers: every total of the books at one moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from failover_tests.judgement import Verdict, check
from failover_tests.statements import statement

_MOMENT = "moment"


class Scripted(Protocol):
    """A lab, as far as this module needs it: a script as `postgres` on the primary."""

    def psql(self, script: str) -> str:
        """Return the rows of a script of statements."""
        ...


@dataclass(frozen=True, slots=True)
class Ledger:
    """The totals by what they are of; exact at `moment`, by the clock of the primary."""

    moment: datetime
    totals: dict[str, str]


def at_a_moment(lab: Scripted) -> Ledger:
    """Return the ledger now; whoever books meanwhile waits, some tenths of a second."""
    return parse(lab.psql(statement("ledger_at_a_moment")))


def parse(printed: str) -> Ledger:
    """Return the ledger that the statement printed, a line of JSON for each total."""
    rows = [json.loads(line) for line in printed.splitlines() if line]
    totals = {str(row["what"]): str(row["value"]) for row in rows}
    return Ledger(moment=datetime.fromisoformat(totals.pop(_MOMENT)), totals=totals)


def checks(expected: Ledger, *, found: Ledger, later: Ledger) -> Verdict:
    """Return what a restore is judged by; `later` shows that there was something to leave out."""
    wrong, behind = differences(expected, found), differences(expected, later)
    idle = [] if behind else ["nothing was booked after it: the comparison proves nothing"]
    return (
        check(
            f"every total is what it was at {expected.moment}",
            f"{len(expected.totals)} totals",
            wrong,
        ),
        check("the source's books went on after it", f"{len(behind)} totals changed", idle),
    )


def differences(expected: Ledger, found: Ledger) -> list[str]:
    """Return a sentence for each total that is not the same in both, or is in one only."""
    names = sorted(expected.totals.keys() | found.totals.keys())
    pairs = ((name, expected.totals.get(name), found.totals.get(name)) for name in names)
    return [f"{name}: {theirs}, not {ours}" for name, ours, theirs in pairs if ours != theirs]
