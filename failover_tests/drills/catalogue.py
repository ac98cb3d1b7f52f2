"""The catalogue of drills, by the name `evergrid-drill run` takes."""

from __future__ import annotations

from collections.abc import Callable

from failover_tests.drills.primary_power_off import primary_power_off
from failover_tests.judgement import Outcome
from failover_tests.stage import Stage

Drill = Callable[[Stage], Outcome]

CATALOGUE: dict[str, Drill] = {
    "primary-power-off": primary_power_off,
}


def purpose(drill: Drill) -> str:
    """Return the first line of the drill's docstring."""
    return (drill.__doc__ or "").strip().splitlines()[0]
