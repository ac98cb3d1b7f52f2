"""A run: cases sent one after the other, answers judged, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.fuzz.cases import Cases
from tests.fuzz.judgement import Judge
from tests.fuzz.servers import App, asked

_SHOWN_MAX = 20  # Enough to see what it is about; the rest are counted.


@dataclass(slots=True)
class Tally:
    """What came of the cases: statuses by operation, what was wrong by what it is."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many there were."""
        return self.statuses.total()

    def add(self, other: Tally) -> None:
        """Add what came of other cases."""
        self.statuses += other.statuses
        self.faults += other.faults
        self.shown = (self.shown + other.shown)[:_SHOWN_MAX]

    def succeeded(self, operation: str) -> int:
        """Return how many cases of an operation were not refused."""
        return sum(
            count for (name, status), count in self.statuses.items()
            if name == operation and status // 100 == 2
        )  # fmt: skip


def run(app: App, cases: Cases, judge: Judge, numbers: Iterable[int]) -> Tally:
    """Send the cases of these numbers; return what came of them."""
    tally = Tally()
    for number in numbers:
        case = cases.case(number)
        answered = asked(app, case)
        tally.statuses[case.operation, answered.status] += 1
        for fault in judge.faults(case, answered):
            tally.faults[f"{case.operation}: {fault.partition(':')[0]}"] += 1
            if len(tally.shown) < _SHOWN_MAX:
                tally.shown.append(f"{fault}\n{case}\n-> {answered.status} {answered.body[:500]!a}")
    return tally
