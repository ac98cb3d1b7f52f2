"""
Archive use: when PostgreSQL asks the archive for what a stream could not give it.

It asks `restore_command` four times on its way from replica to primary, five times from one primary
to another, a shell each time: on two busy cores that was a quarter of a switchover. Who streamed
until just now lacks nothing that the archive has. So Patroni leaves the command out of the settings
of a replica that streams, and puts it back if the replica has not streamed for a while, or starts.

One question is left: which timelines there were. Two hosts promoted one after the other must not
give theirs the same number, so a promotion asks for the next ones first, unless a receiver of WAL
stood within the last second: while it does nobody else begins to lead (`warden/README.md`).

A primary that was promoted without the command rewinds without the archive too: if that has what
it needed and the others have not, it is cloned anew.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

_AFTER_S = 10.0
# `restore_command` bounds itself to a second for a timeline.
_ASKED_S = 10.0
_JUST_NOW_S = 1.0

_HISTORY = re.compile(r"([0-9A-F]{8})\.history", re.ASCII)
_LEARNED_MAX = 100

_log = logging.getLogger(__name__)


def learn_timelines(data: Path, command: str | None, run_folder: Path) -> None:
    """
    Fetch what the archive has of timelines that the server in `data` has not heard of.

    :param command: `restore_command`; None if there is no archive
    :raises OSError: if the files of the server cannot be read or written
    """
    if not command or _streamed_just_now(data, run_folder):
        return
    folder = data / "pg_wal"
    known = filter(None, (_HISTORY.fullmatch(each.name) for each in folder.iterdir()))
    first = max((int(name[1], 16) for name in known), default=1) + 1
    learned = []
    # Each under a name of ours, until all are there: PostgreSQL looks for the next one as well.
    for timeline in range(first, first + _LEARNED_MAX):
        name = f"{timeline:08X}.history"
        if not _fetched(data, command, name):
            break
        learned.append(name)
    for name in learned:
        _log.warning("Timeline %s has begun elsewhere, says the archive.", name.partition(".")[0])
        (folder / _fetching(name)).replace(folder / name)
    if learned:
        _flush(folder)


def _streamed_just_now(data: Path, run_folder: Path) -> bool:
    """Test if the warden has noted a stream of this run of the server within the last second."""
    note = run_folder / "streamed_at"  # in hundredths of a second since the machine started
    try:
        if note.stat().st_mtime <= (data / "postmaster.pid").stat().st_mtime:
            return False
        streamed_s = int(note.read_text(encoding="ascii")) / 100
    except (OSError, ValueError):
        return False
    return time.clock_gettime(time.CLOCK_BOOTTIME) - streamed_s < _JUST_NOW_S


def _fetching(name: str) -> str:
    return f"learned.{name}"


def _fetched(data: Path, command: str, name: str) -> bool:
    path = f"pg_wal/{_fetching(name)}"
    asked = command.replace("%f", name).replace("%p", path)
    try:
        code = subprocess.run(
            ["/bin/sh", "-c", asked], cwd=data, check=False, timeout=_ASKED_S
        ).returncode
    except subprocess.TimeoutExpired:
        return False
    if code == 0:
        _flush(data / path)
    return code == 0


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def leave_alone_while_streaming(handler: type[Any], server: type[Any]) -> None:
    """Have Patroni's classes of a server's settings, and of a server, do as this module says."""
    _choose_command(handler)
    _change_quietly(handler)
    _begin_with_command(server)


def _choose_command(handler: type[Any]) -> None:
    as_patroni_does = handler.build_recovery_params

    def build_recovery_params(self: Any, member: object) -> Any:  # noqa: ANN401  Patroni's own
        found = as_patroni_does(self, member)
        command = getattr(self, "evergrid_command", None)
        if command is None:
            command = "" if _streams(self) else found.get("restore_command", "")
        found.pop("restore_command", None)
        if command:
            found["restore_command"] = command
        return found

    handler.build_recovery_params = build_recovery_params


def _streams(settings: Any) -> bool:  # noqa: ANN401  Patroni's own
    """Test if a server that runs has received WAL a while ago at most."""
    server, now_s = settings._postgresql, time.monotonic()  # noqa: SLF001  Patroni's own
    state = server._cluster_info_state or {}  # noqa: SLF001  Patroni's own
    # A receiver "streams" as soon as it is connected, also one that is refused what it asks for.
    if state.get("receiver_state") == "streaming" and state.get("write_location"):
        settings.evergrid_streamed_s = now_s
    streamed_s = getattr(settings, "evergrid_streamed_s", float("-inf"))
    return bool(server.state == "running" and now_s - streamed_s < _AFTER_S)


def _change_quietly(handler: type[Any]) -> None:
    """
    Have a change of the command alone told to nobody else.

    Any other change makes Patroni look whether the server must rewind: three seconds a loop, if the
    leader cannot be reached.
    """
    as_patroni_does = handler.check_recovery_conf

    def check_recovery_conf(self: Any, member: object) -> Any:  # noqa: ANN401  Patroni's own
        found = as_patroni_does(self, member)
        if found != (True, False):
            return found
        known = self._current_recovery_params or {}
        self.evergrid_command = known.get("restore_command", [""])[0] or ""
        try:
            if as_patroni_does(self, member) != (False, False):
                return found
        finally:
            del self.evergrid_command
        self._postgresql.follow(member, do_reload=True)
        return False, False

    handler.check_recovery_conf = check_recovery_conf


def _begin_with_command(server: type[Any]) -> None:
    as_patroni_does = server.start

    def start(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  Patroni's own
        command = self.config.restore_command()
        told = self.config._recovery_params  # noqa: SLF001  Patroni's own
        # Of a replica; who is born from a backup asks the archive that this one is of.
        if told and command and not self.bootstrap.running_custom_bootstrap:
            told["restore_command"] = command
        self.config.evergrid_streamed_s = float("-inf")
        return as_patroni_does(self, *args, **kwargs)

    server.start = start
