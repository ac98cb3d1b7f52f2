"""One of several processes that send cases: an API of its own on the one database."""

from __future__ import annotations

from service.api.app import create_app, description
from service.store.database import Database
from tests.fuzz import runs
from tests.fuzz.cases import Cases
from tests.fuzz.judgement import Judge
from tests.fuzz.runs import Tally
from tests.fuzz.worlds import World

_DEADLINE_S = 60.0  # Nothing is to be answered 503 because this machine is busy.
_has: dict[str, object] = {}


def begin(dsn: str, world: World, seed: int) -> None:
    """Make what this process needs, once."""
    document = description(version="fuzz")
    _has["app"] = create_app(
        database=Database(dsn=dsn, connections_max=2),
        identity=world.identity(),
        clock=lambda: world.now,
        deadline_s=_DEADLINE_S,
        host="fuzz",
        version="fuzz",
    )
    _has["cases"] = Cases(document, world, seed=seed)
    _has["judge"] = Judge(document)


def run(numbers: range) -> Tally:
    """Send the cases of these numbers; return what came of them."""
    return runs.run(numbers=numbers, **_has)
