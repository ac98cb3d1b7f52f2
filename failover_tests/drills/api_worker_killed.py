"""The drill in which a process of the API dies in the middle of its requests."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.SERVER_LOST_STALL_S, read_stall_s=budgets.SERVER_LOST_STALL_S
)


@drill(_PROMISES)
def api_worker_killed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Kill a worker of the API: what it had in hand is answered by another."""
    host, _ = stage.hosts("app")
    with faults.killed(stage.lab, host, "api-worker") as fault:
        load.is_served_again()
    return (fault,)
