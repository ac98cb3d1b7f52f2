"""State: what a lab remembers on disk between two commands."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from ha.certificates import Certificates, issue
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.origin import Origin
from ha.secrets import Secrets, generate
from ha.topology import Topology

Kept = TypeVar("Kept")

LOCKS = Path("/run/lock")


class LabUnknown(LabFailed):
    """There is no lab of this name."""


class LabDown(LabFailed):
    """The lab was taken down, its data kept."""


class LabBusy(LabFailed):
    """Another command is at work on this lab."""


class StateDamaged(LabFailed):
    """What the lab remembers cannot be read."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """
    One lab.

    `release` is the installation its hosts run, `migrated` the one whose schema the database has;
    `is_born` says that the cluster was whole once: until then its data are half made;
    `account_no` is an account of the demo bureau, once that is in; `origin` the backup that the
    databases are being born from, until they are.
    """

    topology: Topology
    release: str
    is_born: bool = False
    migrated: str = ""
    account_no: str = ""
    origin: Origin | None = None


class _Network(msgspec.Struct):
    """The part of a topology that other labs have to know."""

    subnet: str


class _Lab(msgspec.Struct):
    """The part of a state that other labs, other releases have to know."""

    topology: _Network


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """
    Keep others from bringing this lab up or down meanwhile.

    :raises LabBusy: if somebody is doing so now
    """
    with (LOCKS / f"evergrid-lab-{layout.lab}").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabBusy(
                f"another command is bringing the lab {layout.lab!r} up or down"
            ) from error
        yield


def load(layout: Layout) -> State | None:
    """
    Return what is known of the lab, or none if it was never brought up (or taken down).

    :raises StateDamaged: if the file that says so cannot be read
    """
    return _read(layout.folder / "state.json", State)


def subnet(layout: Layout) -> str | None:
    """Return the lab's subnet, whatever release wrote its state; none if that cannot be read."""
    try:
        known = _read(layout.folder / "state.json", _Lab)
    except StateDamaged:
        return None
    return known.topology.subnet if known else None


def load_known(layout: Layout) -> State:
    """
    Return what is known of the lab.

    :raises LabUnknown: if nothing is
    """
    state = load(layout)
    if state is None:
        raise LabUnknown(
            f"there is no lab called {layout.lab!r}; `evergrid-ha lab up --name {layout.lab}`"
            " makes one"
        )
    return state


def save(layout: Layout, state: State) -> None:
    """Keep `state` for the next command."""
    _write(layout.folder / "state.json", state)


def secrets(layout: Layout) -> Secrets:
    """Return the lab's passwords; made at the first call, the same from then on."""
    path = layout.folder / "secrets.json"
    known = _read(path, Secrets)
    if known is None:
        known = generate()
        _write(path, known)
    return known


def certificates(layout: Layout, topology: Topology) -> Certificates:
    """Return the certificates of the lab's hosts; made at the first call, the same from then on."""
    path = layout.folder / "certificates.json"
    known = _read(path, Certificates)
    if known is None:
        known = issue(topology)
        _write(path, known)
    return known


def save_certificates(layout: Layout, found: Certificates) -> None:
    """Keep what the hosts are to present from now on."""
    _write(layout.folder / "certificates.json", found)


def tokens(layout: Layout) -> dict[str, str]:
    """Return a token per role; empty before the demo is loaded."""
    return _read(layout.folder / "tokens.json", dict[str, str]) or {}


def save_tokens(layout: Layout, tokens: dict[str, str]) -> None:
    """Keep the tokens, readable by root only."""
    _write(layout.folder / "tokens.json", tokens)


def _read(path: Path, kind: type[Kept]) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StateDamaged(f"{path} cannot be read: {error}; `lab down` clears it") from error


def _write(path: Path, value: object) -> None:
    """Replace the file as a whole, so that a killed command never leaves half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value)))
    new.replace(path)
