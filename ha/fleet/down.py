"""Down: takes a fleet away until nothing of it is left on the computer."""

from __future__ import annotations

import shutil

from ha.fleet import machines, network
from ha.fleet.layout import Layout
from ha.lab.progress import Progress


def down(layout: Layout, progress: Progress) -> None:
    """Take the fleet away, its data too; the image stays. Nothing left is no error."""
    with progress.step(f"Switch the machines of {layout.fleet!r} off, remove their network"):
        disks = sorted(layout.folder.glob("machines/*"))
        for disk in disks:
            machines.cut_off(layout, disk.name)
        network.remove(layout)
    if not layout.folder.exists():
        return
    with progress.step(f"Remove its data in {layout.folder}"):
        for disk in disks:
            machines.forget(layout, disk.name)
        shutil.rmtree(layout.folder)
