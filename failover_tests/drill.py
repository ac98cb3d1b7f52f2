"""The frame of every drill: a whole lab, clients that pay, one fault, recovery, judgement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from failover_tests.faults.fault import Fault
from failover_tests.judgement import Outcome, judged
from failover_tests.load import Load
from failover_tests.preparations import nothing
from failover_tests.promises import Promises
from failover_tests.stage import Stage

# Breaks something of the stage's lab while the load goes on, waits for what was promised, cures it.
Breaking = Callable[[Stage, Load], tuple[Fault, ...]]

# Makes of a whole lab one in which that can be broken, undoes it on leaving.
Preparing = Callable[[Stage], AbstractContextManager[None]]


class Drill:
    """What is broken under load, with what clients are promised meanwhile."""

    def __init__(self, breaks: Breaking, promises: Promises, prepares: Preparing = nothing) -> None:
        self.breaks = breaks
        self.prepares = prepares
        self.promises = promises
        self.name = breaks.__name__.replace("_", "-")
        self.__doc__ = breaks.__doc__

    def __call__(self, stage: Stage) -> Outcome:
        """Run the drill once on a whole lab; return what it came to."""
        with self.prepares(stage):
            with stage.paying(is_retrying=self.promises.is_retrying) as load:
                faults = self.breaks(stage, load)
            promises = self.promises.allowing(stage.conditions.allowance)
            return judged(stage.evidence(*faults), promises)


def drill(promises: Promises, *, prepares: Preparing = nothing) -> Callable[[Breaking], Drill]:
    """Make a function that breaks something into a drill that judges by `promises`."""
    return lambda breaks: Drill(breaks, promises, prepares)
