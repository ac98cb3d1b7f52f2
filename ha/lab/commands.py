"""Commands: runs the programs of the system, each with a limit on its time."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ha.lab.errors import CommandFailed

# ip, nft, sysctl, mount and the like answer in milliseconds; on a machine that swaps, in seconds.
QUICK_S = 10.0

# What a host starts with; nothing of the environment of whoever brings the lab up leaks in.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(
    argv: Sequence[str],
    *,
    input: str | None = None,  # noqa: A002 - the word of `subprocess.run`
    timeout_s: float = QUICK_S,
    check: bool = True,
) -> str:
    """
    Run `argv` and return what it printed.

    The command leads a process group of its own: past `timeout_s` the whole group is killed, even
    the part that `nsenter` forked into a host.
    :raises CommandFailed: if it is not done within `timeout_s`, or (with `check`) its exit code is
        not 0; the message ends with the last lines of its standard error
    """
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        cwd="/",  # ours may be closed to the user the command becomes
    ) as process:
        try:
            printed, complained = process.communicate(input, timeout=timeout_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CommandFailed(f"not done after {timeout_s} s: {shlex.join(argv)}") from error
            raise
    if check and process.returncode != 0:
        why = " / ".join((complained or printed).strip().splitlines()[-3:])
        raise CommandFailed(f"exit code {process.returncode}: {shlex.join(argv)}: {why}")
    return printed


def within(namespace: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` in the network namespace called `namespace`."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


def detach(argv: Sequence[str], *, environment: dict[str, str], log: Path) -> None:
    """
    Start `argv` so that it outlives us: its own session, its output in `log`.

    `setsid --fork` hands it to the machine's init, which then is the one to reap it.
    """
    with log.open("ab") as file:
        subprocess.run(
            ["setsid", "--fork", *argv],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": PATH, "LANG": "C.UTF-8", **environment},
            check=True,
            timeout=QUICK_S,
        )
