"""Slowness: a long, lossy line from a host to the switch."""

from __future__ import annotations

import sys
from pathlib import Path

from ha.lab import network, processes
from ha.lab.commands import detach
from ha.lab.errors import FaultWithoutEffect
from ha.lab.layout import Layout
from ha.lab.waiting import NotInTime, until
from ha.lab.wire import READY

# A Python process starts in a fraction of a second; on a machine that swaps, in seconds.
START_S = 10.0
END_S = 2.0


def slow(layout: Layout, host: str, *, latency_s: float, loss: float, seed: int | None) -> None:
    """
    Let each frame from or to the host take half of `latency_s` longer; lose a share `loss` of them.

    A process of ours carries the frames between the host's cable and a new one to the switch, in
    order. What is on its way when the line is put in or taken out is lost.
    :raises FaultWithoutEffect: if that process does not start
    """
    quicken(layout, host)
    near, far = layout.link(host), layout.far_link(host)
    network.splice(layout, host)
    log = layout.host_folder(host) / "wire.log"
    log.unlink(missing_ok=True)
    options = ["--delay-s", str(latency_s / 2), "--loss", str(loss)]
    options += [] if seed is None else ["--seed", str(seed)]
    detach(
        [sys.executable, "-I", str(Path(__file__).with_name("wire.py")), near, far, *options],
        environment={processes.MARK: _mark(layout, host)},
        log=log,
    )
    try:
        until(lambda: READY in log.read_text(), what="the line is ready", within_s=START_S)
    except NotInTime as error:
        quicken(layout, host)
        raise FaultWithoutEffect(str(error), log_line=log.read_text()[-200:], log=log) from error
    network.lead_through(layout, host)


def quicken(layout: Layout, host: str) -> None:
    """Undo `slow`; nothing happens to a host that is not slow."""
    network.unsplice(layout, host)
    try:  # without its links it ends, and says how much it carried
        until(lambda: not _wires(layout, host), what="the line has ended", within_s=END_S)
    except NotInTime:
        processes.end(_wires(layout, host))


def _wires(layout: Layout, host: str) -> set[int]:
    return processes.marked(f"{_mark(layout, host)}\0")


def _mark(layout: Layout, host: str) -> str:
    """Return what the environment of the host's line says; not that it is one of its processes."""
    return f"{layout.lab}/{host}/wire"
