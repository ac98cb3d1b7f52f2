"""State: what a lab remembers on disk between two commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.secrets import Secrets, generate
from ha.topology import Topology

Kept = TypeVar("Kept")


class LabUnknown(LabFailed):
    """There is no lab of this name."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One lab. `release` is the installation its hosts run; `is_loaded` says the demo is in."""

    topology: Topology
    release: str
    is_loaded: bool = False


def load(layout: Layout) -> State | None:
    """Return what is known of the lab, or none if it was never brought up (or taken down)."""
    return _read(layout.folder / "state.json", State)


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
        raise LabFailed(f"{path} cannot be read: {error}; `lab down` clears it") from error


def _write(path: Path, value: object) -> None:
    """Replace the file as a whole, so that a killed command never leaves half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value)))
    new.replace(path)
