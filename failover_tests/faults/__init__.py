"""The faults of the drills: each proves that it took effect, each cures itself on leaving."""

from failover_tests.faults.disks import full, kept_full
from failover_tests.faults.fault import Fault
from failover_tests.faults.hosts import power_off
from failover_tests.faults.links import cut_off, flapping, slow
from failover_tests.faults.operations import certified, reloaded, rolled, switched_over
from failover_tests.faults.processes import frozen, killed, stopped
from failover_tests.faults.processors import saturated
from failover_tests.faults.replay import replay_paused
from failover_tests.faults.replication import asynchronous

__all__ = [
    "Fault",
    "asynchronous",
    "certified",
    "cut_off",
    "flapping",
    "frozen",
    "full",
    "kept_full",
    "killed",
    "power_off",
    "reloaded",
    "replay_paused",
    "rolled",
    "saturated",
    "slow",
    "stopped",
    "switched_over",
]
