"""The drill in which the active edge crashes."""

from __future__ import annotations

from failover_tests import budgets, faults
from failover_tests.drill import drill
from failover_tests.faults import Fault
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage

_PROMISES = Promises(
    write_stall_s=budgets.SERVER_LOST_STALL_S,
    slowest_beyond_s=budgets.EDGE_LOST_SLOWEST_BEYOND_STALL_S,
    read_stall_s=budgets.SERVER_LOST_STALL_S,
    is_retrying=True,
)


@drill(_PROMISES)
def edge_process_killed(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Kill the active edge's HAProxy: the other takes the address, clients repeat requests."""
    edge = stage.edge()
    with faults.killed(stage.lab, edge, "haproxy") as fault:
        moved_s = stage.wait_for_edge(other_than=edge)
        load.is_served_again()
    return (fault.address_moved(at_s=moved_s),)
