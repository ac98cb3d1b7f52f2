"""Disks: gives a host a disk of its own, which can be filled without harming the machine."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from ha.lab.commands import run
from ha.lab.errors import FaultWithoutEffect, LabFailed
from ha.lab.layout import Layout
from ha.lab.waiting import NotInTime, until

# Sparse, so it costs what is written to it; far more than a lab's data.
SIZE_GB = 20

_FILLER = "var/lib/evergrid/filler"
_PIECE_BYTES = 4096
# A gigabyte of data, at the pace of one slow disk.
_COPY_S = 120.0
# What is still in memory is written when the last process of a host is gone.
_RELEASE_S = 20.0


class NoOwnDisk(LabFailed):
    """The host's data lie on the machine's own disk, which nobody may fill."""


class OwnDisk(LabFailed):
    """The host has a disk of its own already."""


def image(layout: Layout, host: str) -> Path:
    """Return the file that is the host's own disk, if it exists."""
    return layout.host_folder(host) / "disk.img"


def has_own(layout: Layout, host: str) -> bool:
    """Test if the host has a disk of its own."""
    return image(layout, host).exists()


def make(layout: Layout, host: str, *, size_gb: int) -> None:
    """
    Make a disk for a host that is off, with the data it has so far.

    Nothing is reserved for root, so that full means full for everybody.
    """
    data, new = layout.host_folder(host) / "data", layout.host_folder(host) / "disk.new"
    new.unlink(missing_ok=True)
    # No more inodes than PostgreSQL's files can need: each takes place that nobody uses.
    shape = ["-F", "-q", "-m", "0", "-i", "65536", "-E", "lazy_itable_init=1,lazy_journal_init=1"]
    run(["mkfs.ext4", *shape, "-d", str(data), str(new), f"{size_gb}G"], timeout_s=_COPY_S)
    new.rename(image(layout, host))
    _empty(data)


def unmake(layout: Layout, host: str) -> None:
    """Take the disk of a host that is off away; its data go back to the machine's."""
    data, old = layout.host_folder(host) / "data", image(layout, host)
    _empty(data)
    # Mounted where nobody else sees it: nothing is left of it, however this ends. What is copied is
    # on the disk when this returns: written later, it would hold up the commits of all hosts.
    script = 'mount -o loop,ro "$0" /mnt && cp --archive /mnt/. "$1" && sync --file-system "$1"'
    run(["unshare", "--mount", "sh", "-c", script, str(old), str(data)], timeout_s=_COPY_S)
    release(layout, host)
    old.unlink()


def release(layout: Layout, host: str) -> None:
    """
    Return once nothing holds the disk of a host that is off any more.

    :raises NotInTime: if something does
    """
    if not has_own(layout, host):
        return

    def holding() -> list[str]:
        found = ["losetup", "--noheadings", "--output", "NAME", "--associated"]
        return run([*found, str(image(layout, host))]).split()

    for device in holding():  # a boot that was killed did not come to say so
        run(["losetup", "--detach", device], check=False)
    until(
        holding,
        is_enough=lambda devices: not devices,
        what=f"the disk of {host} is no longer in use",
        within_s=_RELEASE_S,
    )


def fill(layout: Layout, host: str, init: int) -> None:
    """
    Take all that is free on the host's own disk, until not a byte is left for anybody.

    A program that frees some can have it; a second call takes that too.
    :raises NoOwnDisk: if it has none
    :raises FaultWithoutEffect: if something stays free
    """
    if not has_own(layout, host):
        raise NoOwnDisk(
            f"{host} shares this machine's disk; `evergrid-ha give-disk {host}` gives it its own"
        )
    with _filler(init).open("ab") as file:
        try:
            until(
                lambda: _grow(file.fileno()),
                is_enough=lambda free: free == 0,
                what=f"nothing is free on {host}",
                within_s=10,
            )
        except NotInTime as error:
            raise FaultWithoutEffect(str(error)) from error


def free(init: int) -> None:
    """Give back what `fill` took."""
    _filler(init).unlink(missing_ok=True)


def is_filled(init: int) -> bool:
    """Test if `fill` was not undone."""
    return _filler(init).exists()


def _grow(descriptor: int) -> int:
    """Let the file take what is free, and return what was left then, in bytes."""
    piece = _free_bytes(descriptor)
    while piece >= _PIECE_BYTES:
        try:
            os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, piece)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            piece //= 2
    return _free_bytes(descriptor)


def _free_bytes(descriptor: int) -> int:
    found = os.fstatvfs(descriptor)
    return found.f_bavail * found.f_frsize


def _filler(init: int) -> Path:
    """Return the file that fills the host's disk, seen through the host's own root."""
    return Path(f"/proc/{init}/root/{_FILLER}")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
