"""The drill in which the active edge's host loses its power."""

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
def edge_host_power_off(stage: Stage, load: Load) -> tuple[Fault, ...]:
    """Power off the active edge: the other takes the address, clients repeat with their key."""
    edge = stage.edge()
    with faults.power_off(stage.lab, edge) as fault:
        moved_s = stage.wait_for_edge(other_than=edge)
        load.is_served_again()
        load.catches_up()
    return (fault.address_moved(at_s=moved_s),)
