"""Down: takes a fleet away until nothing of it is left on the computer."""

from __future__ import annotations

import shutil

from ha.fleet import machines, network
from ha.fleet.layout import Layout
from ha.lab import processes
from ha.lab.progress import Progress
from ha.lab.waiting import until


def down(layout: Layout, progress: Progress) -> None:
    """Take the fleet away, its data too; the image stays. Nothing left is no error."""
    with progress.step(f"Switch the machines of {layout.fleet!r} off, remove their network"):
        processes.end(processes.marked(layout.mark("")))
        until(
            lambda: processes.marked(layout.mark("")),
            is_enough=lambda left: not left,
            what="every machine is off",
            within_s=machines.REAPED_S,
        )
        network.remove(layout)
    if not layout.folder.exists():
        return
    with progress.step(f"Remove its data in {layout.folder}"):
        for disk in sorted(layout.folder.glob("machines/*")):
            machines.forget(layout, disk.name)
        shutil.rmtree(layout.folder)
