"""Up: brings a lab up from whatever state it is in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec

from ha.lab import (
    bill_runs,
    cluster,
    configuration,
    disks,
    doorway,
    down,
    files,
    health,
    hosts,
    logs,
    network,
    operators,
    recovery,
    releases,
    routes,
    service,
    shared_settings,
    state,
)
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed
from ha.lab.lab import Lab
from ha.lab.layout import Layout
from ha.lab.progress import Progress
from ha.lab.state import State
from ha.lab.waiting import NotInTime, until
from ha.origin import Origin
from ha.topology import Role, Topology

# Three members elect a leader in a second or two.
ETCD_S = 30.0
# initdb, then two clones, at the pace of one slow disk.
CLUSTER_S = 90.0
# Two thousand files, on the slowest disk.
CHECKPOINT_S = 60.0
# A week of the demo's WAL is replayed in a minute or two.
RESTORE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    What to bring up.

    `release` is the installation the hosts run; no `demo` leaves the database without customers;
    a bare lab has the cluster only, without the service on top; `origin` is the backup to start
    from, for a lab that is not there yet; `disk_gb` gives each database host that does not run yet
    a disk of its own of that size, 0 none.
    """

    layout: Layout
    topology: Topology
    release: str
    demo: service.Demo | None
    is_bare: bool
    origin: Origin | None = None
    disk_gb: int = 0


def up(order: Order, progress: Progress) -> Lab:
    """
    Bring the lab up as ordered. What is in place already stays as it is.

    :raises ReleaseMissing: if `order.release` is no installation
    :raises LabFailed: with the log line that says why
    """
    releases.require(order.release)
    with state.locked(order.layout):
        known = _remember(order, progress)
        lab = Lab(order.layout)
        if _is_done(order, known, lab):
            progress.say("Everything is in place.")
            return lab
        _boot_all(order, known, lab, progress)
        known = msgspec.structs.replace(known, is_born=True, origin=None)
        state.save(order.layout, known)
        if order.origin:
            recovery.lock_out_sources_passwords(lab)
            _write_configuration(order, known)  # without a word of the origin any more
        if not order.is_bare:
            _serve(order, lab, progress)
        return lab


def _remember(order: Order, progress: Progress) -> State:
    """Return what is known of the lab after making sure that it fits the order."""
    known = state.load(order.layout)
    if known is not None and not known.is_born:
        with progress.step("Clear what an `up` that failed left half made"):
            down.sweep(order.layout)
            shutil.rmtree(order.layout.folder)
        known = None
    if known is None:
        if down.has_leftovers(order.layout):
            with progress.step("Clear what a killed lab of this name left behind"):
                down.sweep(order.layout, subnet=order.topology.subnet)
        known = State(topology=order.topology, release=order.release, origin=order.origin)
    if known.topology != order.topology:
        raise LabFailed(
            f"the lab {order.layout.lab!r} was brought up from another topology; take it down first"
        )
    if known.release != order.release:
        _stop_all(order, progress, why=f"{known.release} is not what is installed now")
        known = msgspec.structs.replace(known, release=order.release)
    routes.refuse_if_in_use(order.layout, order.topology.subnet)
    state.save(order.layout, known)
    return known


def _is_done(order: Order, known: State, lab: Lab) -> bool:
    """Test if nothing is left to do."""
    is_served = order.is_bare or known.migrated == order.release
    is_loaded = order.demo is None or order.is_bare or known.account_no != ""
    return is_served and is_loaded and not health.complaints(lab, is_bare=order.is_bare)


def _stop_all(order: Order, progress: Progress, *, why: str) -> None:
    """Shut the databases down in order, then switch everything off; the data stay."""
    lab = Lab(order.layout)
    with progress.step(f"Stop every host to start it anew: {why}"):
        _undo_faults(lab)  # a frozen host would not hear that it should stop
        with suppress(NotInTime):  # what does not stop in order loses its power
            hosts.stop(order.layout, lab.topology.with_role("database"))
        for host in lab.topology.hosts:
            lab.power_off(host.name)


def _boot_all(order: Order, known: State, lab: Lab, progress: Progress) -> None:
    with progress.step("Write the configuration and connect the network"):
        _write_configuration(order, known)
        network.create(order.layout, order.topology)
        _undo_faults(lab)
        _give_disks(order, lab)
    _boot(lab, known, progress, "dcs", "backup", what="Boot etcd, the backups' repository")
    with progress.step("Wait until etcd has a leader"), _blaming(lab, "dcs"):
        until(
            lambda: _healthy_dcs(lab),
            is_enough=lambda seen: len(seen) == len(lab.topology.with_role("dcs")),
            what="every etcd member is healthy",
            within_s=ETCD_S,
        )
    if known.is_born:
        with progress.step("Have etcd hold the settings that databases share, as of this release"):
            changed = shared_settings.settle(lab, known)
        for sentence in changed:
            progress.say(f"  {sentence}")
    _boot(lab, known, progress, "database", what="Boot PostgreSQL under Patroni")
    with progress.step("Wait for a primary and two streaming replicas"), _blaming(lab, "database"):
        _wait_until_whole(lab, is_restored=known.origin is not None)
    _boot(lab, known, progress, "client", what="Boot the client")
    if not order.is_bare:
        _boot(lab, known, progress, "app", "edge", "monitor", what="Boot API, edge, Prometheus")


def _write_configuration(order: Order, known: State) -> None:
    """Write every file of every host's /etc/evergrid."""
    texts = configuration.texts(
        order.layout, order.topology, release=order.release, origin=known.origin
    )
    files.write(order.layout, order.topology, texts)
    operators.write(order.layout, state.certificates(order.layout, order.topology))


def _boot(lab: Lab, known: State, progress: Progress, *roles: Role, what: str) -> None:
    """Boot those hosts of the roles that are off, all at once."""
    wanted = [host for role in roles for host in lab.topology.with_role(role)]
    off = [host for host in wanted if not lab.is_up(host.name)]
    if not off:
        return
    with progress.step(f"{what} on {', '.join(host.name for host in off)}"):
        for host in off:
            hosts.boot(lab.layout, known, host)
        for host in off:
            hosts.wait_until_booted(lab.layout, host)


def _undo_faults(lab: Lab) -> None:
    """Undo what a drill that was killed may have left: cuts, pulled cables, stopped processes."""
    lab.heal()
    for host in lab.topology.hosts:
        if lab.is_up(host.name):
            network.set_link(lab.layout, host.name, "up")
            lab.thaw(host.name)
            lab.free_disk(host.name)


def _give_disks(order: Order, lab: Lab) -> None:
    for host in lab.topology.with_role("database"):
        has_own = disks.has_own(order.layout, host.name)
        if order.disk_gb and not has_own and not lab.is_up(host.name):
            disks.make(order.layout, host.name, size_gb=order.disk_gb)


def _healthy_dcs(lab: Lab) -> list[str]:
    """Return the etcd members that say they are healthy: they have a leader."""
    found = []
    for host in lab.topology.with_role("dcs"):
        address = f"https://{host.address}:{lab.topology.ports.etcd_client}/health"
        curl = [*operators.curl(lab.layout), "--max-time", "1", address]
        argv = within(lab.layout.namespace(host.name), curl)
        if '"health":"true"' in run(argv, check=False):
            found.append(host.name)
    return found


def _wait_until_whole(lab: Lab, *, is_restored: bool) -> None:
    def seen() -> dict[str, object]:
        if is_restored:
            recovery.assert_possible(lab)
        try:
            return lab.patroni()
        except cluster.ClusterSilent as silence:
            return {"silence": str(silence)}

    count = len(lab.topology.with_role("database"))
    until(
        seen,
        is_enough=lambda answer: cluster.is_whole(answer, hosts=count),
        what="the cluster is whole",
        within_s=RESTORE_S if is_restored else CLUSTER_S,
        step_s=0.2,
    )


def _serve(order: Order, lab: Lab, progress: Progress) -> None:
    """Make the schema, the demo and its bills as far as they are missing; open the doorway."""
    known = state.load_known(order.layout)
    if known.migrated != order.release:
        with progress.step("Create the roles of the database"), _blaming(lab, "app"):
            service.administer(lab, "roles")
        with progress.step("Migrate the schema"):
            service.administer(lab, "migrate", "--phase", "all")
        known = msgspec.structs.replace(known, migrated=order.release)
        state.save(order.layout, known)
    with progress.step("Open the doorway for browsers on this machine"):
        doorway.open_up(order.layout, order.topology)
    with progress.step("Wait until the service is ready"), _blaming(lab, "app", "edge"):
        service.wait_until_ready(lab)
    if order.demo and not known.account_no:
        account_no = _load(order.demo, lab, progress)
        state.save(order.layout, msgspec.structs.replace(known, account_no=account_no))
        with progress.step("Write what was loaded to the disks of all databases"):
            _checkpoint(lab)


def _load(demo: service.Demo, lab: Lab, progress: Progress) -> str:
    """Load the demo with its bills, and return one of its accounts."""
    size = f"{demo.accounts} accounts, {demo.months} months"
    with progress.step(f"Load the demo bureau: {size}"), _blaming(lab, "app"):
        loaded = service.load_demo(lab, demo)
    for month in loaded.months:
        with progress.step(f"Issue the bills of {month}"), _blaming(lab, "app"):
            bill_runs.bill(lab, month)
    return loaded.account_no


def _checkpoint(lab: Lab) -> None:
    """
    Have every database write what it holds in memory, the primary first: replicas do as it did.

    A fresh schema is 2,000 files, each to be brought to the disk by the first promotion's
    checkpoint: 9.7 s beside clients, of whom fewer were answered than asked.
    """
    primary = lab.primary()
    hosts_of_databases = [host.name for host in lab.topology.with_role("database")]
    for host in sorted(hosts_of_databases, key=lambda name: name != primary):
        lab.psql("CHECKPOINT", host, timeout_s=CHECKPOINT_S)


@contextmanager
def _blaming(lab: Lab, *roles: Role) -> Iterator[None]:
    """Let a failure name the log line of these hosts that says why."""
    try:
        yield
    except LabFailed as failure:
        if failure.log is None:
            wanted = [host for role in roles for host in lab.topology.with_role(role)]
            failure.log_line, failure.log = logs.blame(
                [lab.layout.log_folder(host.name) for host in wanted]
            )
        raise
