"""Breakable: what breaks a running lab, each beside what mends it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

from ha.lab import (
    certifying,
    disks,
    doorway,
    faults,
    hosts,
    network,
    processes,
    reloading,
    rolling,
    slowness,
    state,
    supervision,
)
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout


class HostOn(LabFailed):
    """The host is running already."""


class Breakable:
    """The part of a lab that breaks and mends; each call is for one host by its name."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.topology = state.load_known(layout).topology

    def is_up(self, host: str) -> bool:
        """Test if the host is powered on."""
        return self._look_up(host) is not None

    def power_off(self, host: str) -> None:
        """Take the host away at once; a host that is off stays off."""
        faults.power_off(self.layout, self.topology.host(host))

    def power_on(self, host: str) -> None:
        """
        Boot the host from what is on its disk; returns when its supervisor answers.

        :raises HostOn: if it runs
        """
        if self.is_up(host):
            raise HostOn(f"{host} is running already")
        described = self.topology.host(host)
        hosts.boot(self.layout, state.load_known(self.layout), described)
        hosts.wait_until_booted(self.layout, described)
        if "client" in described.roles:  # the doorway holds the network of before
            doorway.open_up(self.layout, self.topology)

    def kill(self, host: str, process: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process of the host (`faults.kill`) and return its pid here."""
        return faults.kill(self._init(host), host, process, number).pid

    def freeze(self, host: str, process: str | None = None) -> None:
        """Stop a process of the host, or all of them, without ending anything."""
        faults.freeze(self._init(host), host, process)

    def thaw(self, host: str, process: str | None = None) -> None:
        """Let go on what `freeze` stopped."""
        faults.thaw(self._init(host), host, process)

    def restart(self, host: str, program: str) -> None:
        """Stop a program of the host gracefully, then start it; returns when it runs."""
        init = self._init(host)
        faults.find(init, host, program)
        supervision.stop(init, program)
        supervision.start(init, program)

    def reload(self, host: str, program: str) -> None:
        """Let a program of the host take its new configuration (`reloading.reload`)."""
        described = self.topology.host(host)
        place = reloading.Place(self.layout, self.topology, described, self._init(host))
        reloading.reload(place, program)

    def roll(self, release: str) -> None:
        """Let the app hosts run `release`, one after the other, under load (`rolling.roll`)."""
        rolling.roll(self.layout, self.topology, release)

    def certify(self, step: str) -> int:
        """Take one step with the hosts' certificates, under load (`certifying.certify`)."""
        return certifying.certify(self.layout, self.topology, step)

    def give_disk(self, host: str, *, size_gb: int = disks.SIZE_GB) -> None:
        """
        Give the host a disk of its own, with its data; it is shut down in order, then booted.

        :raises OwnDisk: if it has one
        """
        if disks.has_own(self.layout, host):
            raise disks.OwnDisk(f"{host} has a disk of its own")
        self._while_off(host, lambda: disks.make(self.layout, host, size_gb=size_gb))

    def take_disk(self, host: str) -> None:
        """
        Undo `give_disk`: shut the host down in order, put its data back, boot it.

        :raises NoOwnDisk: if it has none
        """
        if not disks.has_own(self.layout, host):
            raise disks.NoOwnDisk(f"{host} has no disk of its own")
        self._while_off(host, lambda: disks.unmake(self.layout, host))

    def fill_disk(self, host: str) -> None:
        """Fill the host's own disk until not a byte is left, until `free_disk` (`disks.fill`)."""
        disks.fill(self.layout, host, self._init(host))

    def free_disk(self, host: str) -> None:
        """Undo `fill_disk`."""
        disks.free(self._init(host))

    def is_disk_filled(self, host: str) -> bool:
        """Test if `fill_disk` was not undone."""
        return disks.is_filled(self._init(host))

    def cut(self, host: str, others: Sequence[str] = (), *, one_way: bool = False) -> None:
        """
        Cut the host off from `others`, or from everybody, until `heal`.

        `one_way`: what the host sends is lost, what is sent to it arrives.
        """
        names = [self.topology.host(name).name for name in (host, *others)]
        faults.cut(self.layout, names[0], names[1:], one_way=one_way)

    def slow(
        self, host: str, *, latency_s: float = 0.2, loss: float = 0.05, seed: int | None = None
    ) -> None:
        """
        Make the host's line long and lossy, until `heal` or until it is powered on anew.

        `latency_s` is added to a round trip, half of it each way; `loss` is the share of frames
        lost each way (a burst that the host sends as one is lost as one), the same ones for the
        same `seed`. Frames keep their order.
        """
        name = self.topology.host(host).name
        if not self.is_up(name):
            raise hosts.HostOff(f"{host} is off; there is no line to slow down")
        slowness.slow(self.layout, name, latency_s=latency_s, loss=loss, seed=seed)

    def heal(self) -> None:
        """Undo every cut, every slow line."""
        faults.heal(self.layout)
        for host in self.topology.hosts:
            if network.is_spliced(self.layout, host.name):
                slowness.quicken(self.layout, host.name)

    def flap(self, host: str, times: int, *, down_s: float = 0.5, up_s: float = 0.5) -> None:
        """Let the host's link go down for `down_s` and up for `up_s`, so many times."""
        faults.flap(self.layout, self.topology.host(host).name, times, down_s=down_s, up_s=up_s)

    def _while_off(self, host: str, change: Callable[[], None]) -> None:
        """Shut the host down in order, change it, boot it, whoever interrupts that."""
        self._init(host)
        try:
            hosts.stop(self.layout, [self.topology.host(host)])
            self.power_off(host)
            disks.release(self.layout, host)
            change()
        finally:
            try:
                self.power_off(host)  # whoever interrupted the above may have left it half-way
            finally:
                self.power_on(host)

    def _look_up(self, host: str) -> int | None:
        return processes.init_of(self.layout, self.topology.host(host).name)

    def _init(self, host: str) -> int:
        return hosts.init(self.layout, self.topology.host(host))
