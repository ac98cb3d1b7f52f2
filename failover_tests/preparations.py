"""Preparations: what a lab needs before a drill can break it, undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from failover_tests.stage import Stage
from ha.lab import disks


@contextmanager
def nothing(_: Stage) -> Iterator[None]:
    """Prepare nothing: what most drills need."""
    yield


@contextmanager
def own_disks(stage: Stage) -> Iterator[None]:
    """
    Give every database host a disk of its own, one that may be filled; take those away again.

    Each host is shut down for it, one after the other, on a whole lab.
    """
    with ExitStack() as cures:
        for host in stage.hosts("database"):
            if not disks.has_own(stage.lab.layout, host):
                stage.wait_until_healthy()
                cures.callback(_take_disk, stage, host)
                stage.lab.give_disk(host)
        yield


def _take_disk(stage: Stage, host: str) -> None:
    if disks.has_own(stage.lab.layout, host):  # not if giving it was interrupted
        stage.wait_until_healthy()
        stage.lab.take_disk(host)
