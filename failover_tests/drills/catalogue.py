"""The catalogue of drills, by the name `evergrid-drill run` takes."""

from __future__ import annotations

from collections.abc import Callable

from failover_tests.drill import Drill
from failover_tests.drills.api_roll import api_roll
from failover_tests.drills.api_worker_killed import api_worker_killed
from failover_tests.drills.app_host_power_off import app_host_power_off
from failover_tests.drills.both_replicas_power_off import both_replicas_power_off
from failover_tests.drills.certificates_renewed import certificates_renewed
from failover_tests.drills.disk_full import disk_full
from failover_tests.drills.disk_kept_full import disk_kept_full
from failover_tests.drills.edge_host_power_off import edge_host_power_off
from failover_tests.drills.edge_process_killed import edge_process_killed
from failover_tests.drills.edge_reload import edge_reload
from failover_tests.drills.etcd_all_power_off import etcd_all_power_off
from failover_tests.drills.etcd_host_power_off import etcd_host_power_off
from failover_tests.drills.flapping_link import flapping_link
from failover_tests.drills.old_primary_isolated_with_clients import (
    old_primary_isolated_with_clients,
)
from failover_tests.drills.patroni_and_warden_killed import patroni_and_warden_killed
from failover_tests.drills.patroni_frozen import patroni_frozen
from failover_tests.drills.patroni_killed import patroni_killed
from failover_tests.drills.paused_primary_wakes_up import paused_primary_wakes_up
from failover_tests.drills.postgresql_frozen import postgresql_frozen
from failover_tests.drills.postmaster_frozen import postmaster_frozen
from failover_tests.drills.postmaster_killed import postmaster_killed
from failover_tests.drills.primary_and_etcd_leader_power_off import (
    primary_and_etcd_leader_power_off,
)
from failover_tests.drills.primary_cut_from_apps import primary_cut_from_apps
from failover_tests.drills.primary_cut_from_edge import primary_cut_from_edge
from failover_tests.drills.primary_cut_from_etcd import primary_cut_from_etcd
from failover_tests.drills.primary_cut_from_replicas import primary_cut_from_replicas
from failover_tests.drills.primary_cut_off import primary_cut_off
from failover_tests.drills.primary_power_off import primary_power_off
from failover_tests.drills.primary_power_off_after_etcd import primary_power_off_after_etcd
from failover_tests.drills.primary_power_off_asynchronous import primary_power_off_asynchronous
from failover_tests.drills.primary_power_off_in_bill_run import primary_power_off_in_bill_run
from failover_tests.drills.reads_never_go_back import ReadsNeverGoBack
from failover_tests.drills.replica_power_off import replica_power_off
from failover_tests.drills.restore import restore
from failover_tests.drills.saturated import saturated
from failover_tests.drills.slow_network import slow_network
from failover_tests.drills.switchover import switchover
from failover_tests.drills.warden_killed import warden_killed
from failover_tests.drills.worker_reload import worker_reload
from failover_tests.judgement import Outcome
from failover_tests.stage import Stage

Runnable = Callable[[Stage], Outcome]

# In the order of the table in README.md.
DRILLS: tuple[Drill, ...] = (
    switchover,
    postmaster_killed,
    postmaster_frozen,
    postgresql_frozen,
    disk_full,
    disk_kept_full,
    patroni_killed,
    warden_killed,
    patroni_and_warden_killed,
    patroni_frozen,
    primary_power_off,
    primary_power_off_after_etcd,
    primary_cut_off,
    primary_and_etcd_leader_power_off,
    primary_cut_from_etcd,
    primary_cut_from_replicas,
    primary_cut_from_edge,
    primary_cut_from_apps,
    replica_power_off,
    both_replicas_power_off,
    etcd_host_power_off,
    etcd_all_power_off,
    api_worker_killed,
    app_host_power_off,
    edge_process_killed,
    edge_host_power_off,
    edge_reload,
    api_roll,
    worker_reload,
    certificates_renewed,
    old_primary_isolated_with_clients,
    paused_primary_wakes_up,
    slow_network,
    flapping_link,
    saturated,
)

# Those that judge in their own way.
OTHERS: dict[str, Runnable] = {
    "primary-power-off-in-bill-run": primary_power_off_in_bill_run,
    "primary-power-off-asynchronous": primary_power_off_asynchronous,
    "restore": restore,
    "reads-never-go-back": ReadsNeverGoBack(),
}

CATALOGUE: dict[str, Runnable] = {**{drill.name: drill for drill in DRILLS}, **OTHERS}


def purpose(drill: Runnable) -> str:
    """Return the first line of the drill's docstring."""
    return (drill.__doc__ or "").strip().splitlines()[0]
