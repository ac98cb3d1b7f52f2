"""Down: takes a lab away until nothing of it is left on the machine."""

from __future__ import annotations

import shutil

from ha.lab import disks, doorway, network, processes, state
from ha.lab.layout import NAMESPACES, Layout
from ha.lab.progress import Progress
from ha.lab.waiting import until

# A killed process is gone from the process table once the machine's init has reaped it; a slow
# one takes two seconds.
REAPED_S = 10.0


def down(layout: Layout, progress: Progress, *, keeps_data: bool = False) -> None:
    """Take the lab away; its data too, unless told to keep them. Nothing left is no error."""
    with state.locked(layout):
        if not layout.folder.exists() and not has_leftovers(layout):
            progress.say(f"There is no lab called {layout.lab!r}: nothing to stop.")
            return
        with progress.step(f"Stop the hosts of the lab {layout.lab!r} and remove its network"):
            sweep(layout)
        if keeps_data or not layout.folder.exists():
            return
        with progress.step(f"Remove its data in {layout.folder}"):
            shutil.rmtree(layout.folder)


def sweep(layout: Layout, *, subnet: str | None = None) -> None:
    """
    End every process of the lab, then remove what it made in the kernel.

    `subnet` is the one it had, for a lab of which neither the files nor the switch are left.
    """
    doorway.close(layout)
    for host in _plugged_in(layout):
        if network.exists(layout.link(host)):
            network.set_link(layout, host, "down")
    processes.end(processes.of_lab(layout))
    until(
        lambda: processes.of_lab(layout),
        is_enough=lambda left: not left,
        what="every process of the lab is gone",
        within_s=REAPED_S,
    )
    for image in layout.folder.glob("*/disk.img"):
        disks.release(layout, image.parent.name)
    network.remove(layout, state.subnet(layout) or network.subnet_of(layout) or subnet)


def has_leftovers(layout: Layout) -> bool:
    """Test if a killed lab of this name left anything in the kernel."""
    return bool(
        _plugged_in(layout)
        or network.exists(layout.bridge)
        or doorway.is_open(layout)
        or processes.of_lab(layout)
    )


def _plugged_in(layout: Layout) -> list[str]:
    prefix = layout.namespace("")
    return sorted(path.name.removeprefix(prefix) for path in NAMESPACES.glob(f"{prefix}*"))
