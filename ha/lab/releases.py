"""Releases: the installations that hosts can run."""

from __future__ import annotations

from pathlib import Path

from ha.lab.errors import LabFailed


class ReleaseMissing(LabFailed):
    """There is no installed release for the hosts to run."""


def require(release: str) -> None:
    """
    Refuse a folder that is no installed release.

    :raises ReleaseMissing: then
    """
    if not (Path(release) / "bin" / "evergrid-service").exists():
        raise ReleaseMissing(
            f"{release} is no installed release; `ansible/prepare` makes one, and the"
            " evergrid-ha in its bin folder brings it up"
        )
