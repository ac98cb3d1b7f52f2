"""Faults: the commands that break a running lab, each beside the one that mends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Annotated

import typer

from ha.lab import disks
from ha.lab.errors import LabFailed
from ha.lab.lab import open_lab
from ha.terminal import BrokenHost, HostName, Name, console

ProgramName = Annotated[str, typer.Argument(metavar="PROGRAM")]

COMMANDS: dict[str, Callable[..., None]] = {}


def fault(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of that name."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        COMMANDS[name] = function
        return function

    return register


@fault("power-off")
def power_off(host: BrokenHost, name: Name = "main") -> None:
    """Take a host away as a power cut does: link gone, every process gone, at once."""
    host = _meant(host, name)
    open_lab(name).power_off(host)
    console.print(f"{host} is off.")


@fault("power-on")
def power_on(host: HostName, name: Name = "main") -> None:
    """Boot a host that is off; what is on its disk is still there."""
    open_lab(name).power_on(host)
    console.print(f"{host} has booted.")


@fault("kill")
def kill(
    host: BrokenHost,
    process: Annotated[str, typer.Argument(help="A program, `postgres` or `api-worker`.")],
    number: Annotated[str, typer.Argument(metavar="SIGNAL")] = "KILL",
    name: Name = "main",
) -> None:
    """Send a signal to one process of a host."""
    host = _meant(host, name)
    pid = open_lab(name).kill(host, process, _signal(number))
    console.print(f"{process} on {host} (process {pid}) was sent {_signal(number).name}.")


@fault("freeze")
def freeze(
    host: BrokenHost,
    process: Annotated[str | None, typer.Argument(help="All of the host's, if left out.")] = None,
    name: Name = "main",
) -> None:
    """Stop processes of a host without ending them, until `thaw`."""
    host = _meant(host, name)
    open_lab(name).freeze(host, process)
    console.print(f"{process or 'everything'} on {host} is frozen.")


@fault("thaw")
def thaw(
    host: HostName,
    process: Annotated[str | None, typer.Argument(help="All of the host's, if left out.")] = None,
    name: Name = "main",
) -> None:
    """Let frozen processes go on."""
    open_lab(name).thaw(host, process)
    console.print(f"{process or 'everything'} on {host} goes on.")


@fault("restart")
def restart(host: BrokenHost, program: ProgramName, name: Name = "main") -> None:
    """Stop a program of a host gracefully, then start it again."""
    host = _meant(host, name)
    open_lab(name).restart(host, program)
    console.print(f"{program} on {host} runs again.")


@fault("reload")
def reload(host: HostName, program: ProgramName, name: Name = "main") -> None:
    """Let a program of a host take its new configuration; returns when it has."""
    open_lab(name).reload(host, program)
    console.print(f"{program} on {host} serves with its new configuration.")


@fault("give-disk")
def give_disk(
    host: HostName,
    size_gb: Annotated[int, typer.Option("--gb", min=1)] = disks.SIZE_GB,
    name: Name = "main",
) -> None:
    """Give a host a disk of its own, so that it can be filled; it reboots."""
    open_lab(name).give_disk(host, size_gb=size_gb)
    console.print(f"{host} has a disk of its own, {size_gb} GB.")


@fault("take-disk")
def take_disk(host: HostName, name: Name = "main") -> None:
    """Put a host's data back onto this machine's disk, which is quicker; it reboots."""
    open_lab(name).take_disk(host)
    console.print(f"{host} shares the disk of this machine.")


@fault("fill-disk")
def fill_disk(host: BrokenHost, name: Name = "main") -> None:
    """Leave not a byte free on a host's own disk, until `free-disk`."""
    host = _meant(host, name)
    open_lab(name).fill_disk(host)
    console.print(f"The disk of {host} is full.")


@fault("free-disk")
def free_disk(host: HostName, name: Name = "main") -> None:
    """Undo `fill-disk`."""
    open_lab(name).free_disk(host)
    console.print(f"The disk of {host} has its space back.")


@fault("cut")
def cut(
    host: BrokenHost,
    others: Annotated[list[str] | None, typer.Option("--from", help="Again for each host.")] = None,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="Only what the host sends is lost.")
    ] = False,
    name: Name = "main",
) -> None:
    """Let nothing pass between a host and others (all, if none is named), until `heal`."""
    host = _meant(host, name)
    others = [_meant(each, name) for each in others or ()]
    open_lab(name).cut(host, others, one_way=one_way)
    who = " and ".join(others or ["everybody"])
    console.print(f"{host} is {'not heard by' if one_way else 'cut off from'} {who}.")


@fault("slow")
def slow(
    host: BrokenHost,
    latency_ms: Annotated[
        int, typer.Option(min=0, max=10_000, help="Added to a round trip, half of it each way.")
    ] = 200,
    loss_percent: Annotated[
        float, typer.Option("--loss", min=0, max=100, help="Per cent of the frames, each way.")
    ] = 5,
    seed: Annotated[int | None, typer.Option(help="The same frames are lost again.")] = None,
    name: Name = "main",
) -> None:
    """Make a host's line long and lossy, until `heal`."""
    host = _meant(host, name)
    open_lab(name).slow(host, latency_s=latency_ms / 1000, loss=loss_percent / 100, seed=seed)
    console.print(f"{host} is {latency_ms} ms further away and loses {loss_percent:g} %.")


@fault("flap")
def flap(
    host: BrokenHost,
    times: Annotated[int, typer.Option(min=1)] = 10,
    down_ms: Annotated[int, typer.Option(min=0)] = 500,
    up_ms: Annotated[int, typer.Option(min=0)] = 500,
    name: Name = "main",
) -> None:
    """Let a host's link go down and up again, several times."""
    host = _meant(host, name)
    open_lab(name).flap(host, times, down_s=down_ms / 1000, up_s=up_ms / 1000)
    console.print(f"The link of {host} went down {times} times; it is up.")


@fault("heal")
def heal(name: Name = "main") -> None:
    """Undo every cut and every slow line."""
    open_lab(name).heal()
    console.print("Every cut and every slow line is undone.")


def _meant(host: str, name: str) -> str:
    """
    Return the host that is meant: `primary` is the one that leads now.

    :raises LabFailed: if nobody does
    """
    if host != "primary":
        return host
    leader = open_lab(name).primary()
    if leader is None:
        raise LabFailed("nobody leads just now; evergrid-ha status tells when somebody does")
    return leader


def _signal(text: str) -> signal.Signals:
    """Return the signal an operator means by "KILL", "SIGKILL" or "9"."""
    try:
        if text.isdecimal():
            return signal.Signals(int(text))
        return signal.Signals[f"SIG{text.upper().removeprefix('SIG')}"]
    except (KeyError, ValueError) as error:
        raise LabFailed(f"there is no signal {text!r}") from error
