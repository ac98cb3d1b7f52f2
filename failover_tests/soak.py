"""The soak: many faults at random, load all the time, one judgement over the whole history."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import chain, count, islice

from failover_tests import budgets
from failover_tests.drill import Drill
from failover_tests.faults.fault import Fault
from failover_tests.judgement import Outcome, check, judged
from failover_tests.load import Load
from failover_tests.passages import Mishap, answered_late, failovers_unpromised, passages
from failover_tests.promises import Promises
from failover_tests.runs import pass_on_interruption
from failover_tests.stage import Stage
from ha.lab.errors import LabFailed
from ha.lab.waiting import NotInTime


class NothingBroken(LabFailed):
    """A soak ended before it broke anything: there is nothing to judge."""


def planned(drills: Sequence[Drill], *, faults: int, seed: int) -> list[Drill]:
    """
    Return the drills whose faults a soak goes through: the same for the same seed.

    Each comes once before any comes twice. Not those in which clients may be refused, as a soak
    promises that nobody is.
    """
    draw = random.Random(seed)
    eligible = [drill for drill in drills if not drill.promises.may_refuse]
    rounds = (draw.sample(eligible, len(eligible)) for _ in count())
    return list(islice(chain.from_iterable(rounds), faults))


class Soak:
    """Breaks one thing after the other, each followed by convergence, while clients pay."""

    def __init__(self, plan: Sequence[Drill], *, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._mishaps: list[Mishap] = []
        self._faults: list[Fault] = []

    def __call__(self, stage: Stage) -> Outcome:
        """
        Soak the stage's lab; return what it came to, also if it was interrupted.

        :raises NothingBroken: if that was before the first fault
        """
        with ExitStack() as prepared:
            for prepare in dict.fromkeys(drill.prepares for drill in self._plan):
                prepared.enter_context(prepare(stage))
            with stage.paying(is_retrying=True) as load:
                try:
                    self._go_through(stage, load)
                except KeyboardInterrupt:
                    self._say("Interrupted: the last answers, then what there is is judged.")
            if not self._faults:
                raise NothingBroken("the soak ended before it broke anything")
            return self._judged(stage)

    def _go_through(self, stage: Stage, load: Load) -> None:
        for number, drill in enumerate(self._plan, start=1):
            self._say(f"{number}/{len(self._plan)} {drill.name}")
            mishap = self._break(drill, stage, load)
            self._mishaps.append(mishap)
            if mishap.problem:
                self._say(f"  ✗ {mishap.problem}")
            load.goes_on(for_s=budgets.AFTERWARDS_S)

    def _break(self, drill: Drill, stage: Stage, load: Load) -> Mishap:
        began_s, problem = time.monotonic(), ""
        faults: tuple[Fault, ...] = ()
        try:
            faults = drill.breaks(stage, load)
        except LabFailed as error:
            pass_on_interruption(error)
            problem = f"not broken: {error}"
        cured_s = time.monotonic()
        try:
            stage.wait_until_whole_again()
        except NotInTime as late:
            problem = f"not whole again: {late}"
        self._faults.extend(faults)
        return Mishap(
            name=drill.name,
            where=" and ".join(dict.fromkeys(fault.where for fault in faults)),
            began_s=faults[0].began_s if faults else began_s,
            cured_s=cured_s,
            whole_s=time.monotonic(),
            promises=drill.promises,
            problem=problem,
        )

    def _judged(self, stage: Stage) -> Outcome:
        evidence = stage.evidence(*self._faults)
        promises = Promises(
            is_retrying=True,
            failovers_max=sum(mishap.promises.failovers_max for mishap in self._mishaps),
            is_unconfirmed=any(fault.unconfirmed_until_s for fault in self._faults),
        )
        outcome = judged(evidence, promises)
        problems = [f"{m.name}: {m.problem}" for m in self._mishaps if m.problem]
        effective = check("every fault took effect, was cured", f"{len(self._mishaps)}", problems)
        found = passages(evidence.history, evidence.awake, self._mishaps)
        verdict = (
            *outcome.verdict,
            effective,
            check(
                "each fault failed over as its own drill promises",
                f"{len(found)}",
                failovers_unpromised(found),
            ),
            check(
                "each fault let clients wait no longer than its own drill promises",
                f"{len(evidence.history)} requests",
                answered_late(evidence.history, found),
            ),
        )
        return Outcome(evidence, verdict, outcome.promises, found)
