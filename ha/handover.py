"""
Handover: from the last write of one primary to the first of the next, without a step too many.

Patroni 4.1.5 takes its time where nobody waits for it. In a switchover clients do, and each process
that is started on two busy cores costs 10-40 ms of their second:

- It looks once a second whether PostgreSQL has stopped, twice. A stop that was announced is done
  here, and is over when there is nothing left to say: the control file calls the server shut down,
  every receiver of WAL has let go. What the postmaster still waits for then, an archiver and
  clients in the middle of a handshake, held half of a busy machine's switchover up.
- It starts three processes to read the position of the last checkpoint, for replicas that might lag
  too far behind (`maximum_lag_on_failover`), and its note of that in etcd sends both through a loop
  about a leader that still seems to lead; only then they learn that there is none. How far they are
  was noted a second ago, a failover by quorum asks them besides.
- `pg_ctl promote` and `pg_ctl reload` are one signal each.

`archive_use` has what else is left out, and why a promotion asks the archive here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ha import archive_use
from ha.warden.patience import PLANNED_STOP_S

_RUN = Path("/run/evergrid/warden")
_STEP_S = 0.005
# In good order a stop takes half a second, three on a busy machine; later Patroni has its own ways.
_STOP_S = 5.0
# Without room for its checkpoint a server crashes, begins to recover, and is waited for in vain: it
# is ended. What was acknowledged is on another host; a replica is made of this one again.
_ROOM_AFTER_S = 1.0
_ROOM_BYTES = 4 << 20  # a segment of WAL

# `ControlFileData` (catalog/pg_control.h): identity, version, catalogue's version, then the state.
_STATE = struct.Struct("=16xi")
_SHUT_DOWN = 1  # DB_SHUTDOWNED
# Who has still something to do then: one sends WAL, one notes what was counted. A server without
# room recovers, and waits for its checkpointer in vain; who receives from it is waited for.
_SENDER, _COUNTER = b"walsender", b"checkpointer"
# The kernel may leave children out of the list if one ends while it is read (proc(5)).
_LOOKS = 2

_SIGNALS = {"promote": signal.SIGUSR1, "reload": signal.SIGHUP}

_log = logging.getLogger(__name__)


def stop_as_announced(data: Path, postmaster: int, *, run_folder: Path = _RUN) -> bool:
    """
    Stop the server in `data` if its warden announced that; return whether it has ended.

    The announcement is good for one stop. False leaves everything to Patroni, with its patience.
    :raises OSError: if files of the host cannot be read or written
    """
    if not _was_announced(run_folder / "planned_stop"):
        return False
    stopping = run_folder / "stopping"  # archive_push.sh ends the archiver that it names
    stopping.write_text(f"{postmaster}\n", encoding="ascii")
    try:
        handle = os.pidfd_open(postmaster)
        try:
            return _stopped(data, postmaster, handle)
        finally:
            os.close(handle)
    except ProcessLookupError:
        return True
    finally:
        stopping.unlink(missing_ok=True)


def forget_stop(*, run_folder: Path = _RUN) -> None:
    """Take back what a Patroni that was killed in the middle of a stop has left behind."""
    (run_folder / "stopping").unlink(missing_ok=True)


def _was_announced(note: Path) -> bool:
    try:
        written_s = note.stat().st_mtime
    except FileNotFoundError:
        return False
    note.unlink(missing_ok=True)
    return time.time() - written_s <= PLANNED_STOP_S


def _stopped(data: Path, postmaster: int, handle: int) -> bool:
    archivers = [pid for pid, title in _children(postmaster) if b"archiver" in title]
    signal.pidfd_send_signal(handle, signal.SIGINT)
    began_s, seen = time.monotonic(), 0
    while _is_there(handle):
        waited_s = time.monotonic() - began_s
        if waited_s > _STOP_S:
            return False
        for archiver in archivers:
            _end_commands(archiver)
        if _is_shut_down(data):
            is_over = _lacks(postmaster, _SENDER, _COUNTER)
        else:
            lacks_room = waited_s > _ROOM_AFTER_S and _lacks_room(data)
            is_over = lacks_room and _lacks(postmaster, _SENDER)
        seen = seen + 1 if is_over else 0
        if seen == _LOOKS:
            signal.pidfd_send_signal(handle, signal.SIGQUIT)
        if seen >= _LOOKS:
            _end_handshakes(postmaster)
        time.sleep(_STEP_S)
    return True


def _is_there(handle: int) -> bool:
    """Test if a process is there, or was not reaped: to Patroni that one still runs."""
    try:
        signal.pidfd_send_signal(handle, 0)
    except ProcessLookupError:
        return False
    return True


def _end_commands(archiver: int) -> None:
    """End what the archiver waits for: the new primary archives what is left (`ha.backups.gap`)."""
    with contextlib.suppress(OSError):  # it has ended
        _end(pid for pid, _ in _children(archiver))


def _end_handshakes(postmaster: int) -> None:
    """End those who are about to hear that the server has stopped: it waits for each, 10-50 ms."""
    with contextlib.suppress(OSError):
        _end(pid for pid, title in _children(postmaster) if b"logger" not in title)


def _end(processes: Iterable[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it is another's by now
            os.kill(pid, signal.SIGTERM)


def _lacks_room(folder: Path) -> bool:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < _ROOM_BYTES


def _is_shut_down(data: Path) -> bool:
    """
    Test if the server has written its last WAL.

    A sender of WAL ends when its receiver has confirmed the last byte (WalSndDone in walsender.c).
    """
    try:
        with (data / "global/pg_control").open("rb", buffering=0) as control:
            (state,) = _STATE.unpack(control.read(_STATE.size))
    except (OSError, struct.error):
        return False
    return bool(state == _SHUT_DOWN)


def _lacks(parent: int, *titles: bytes) -> bool:
    """Test if a process is seen to have no child with one of these words in its title."""
    try:
        found = _children(parent)
    except OSError:
        return False
    return not any(word in title for _, title in found for word in titles)


def _children(parent: int) -> list[tuple[int, bytes]]:
    """Return the processes that a process with one thread started, with their titles."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_bytes().split()
    return [(int(pid), _title(int(pid))) for pid in found]


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def stop_promptly(server: type[Any]) -> None:
    """Have `server`, Patroni's class of a PostgreSQL, stop as announced and then waste no time."""
    do_stop, before_stop = server._do_stop, server._before_stop  # noqa: SLF001  Patroni's own
    locations = server.latest_checkpoint_locations

    def do_stop_of_mode(self: Any, mode: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  Patroni's own
        self.evergrid_stop_mode = mode
        return do_stop(self, mode, *args, **kwargs)

    def before_stop_promptly(self: Any) -> None:  # noqa: ANN401  Patroni's own
        self.evergrid_is_noted = True
        postmaster = self.is_running()
        try:
            # An emergency is never what was announced.
            if postmaster is not None and self.evergrid_stop_mode == "fast":
                data = Path(self.data_dir)
                self.evergrid_is_noted = not stop_as_announced(data, postmaster.pid)
        except OSError as error:
            _log.warning("The stop is slower than it could be: %s.", error)
        before_stop(self)

    def latest_checkpoint_locations(self: Any, data: Any = None) -> Any:  # noqa: ANN401  Patroni's own
        if data is None and not vars(self).pop("evergrid_is_noted", True):
            return None, None  # as of a server that was not shut down: nothing is noted
        return locations(self, data)

    server._do_stop = do_stop_of_mode  # noqa: SLF001  Patroni's own
    server._before_stop = before_stop_promptly  # noqa: SLF001  Patroni's own
    server.latest_checkpoint_locations = latest_checkpoint_locations


def signal_promptly(server: type[Any], *, run_folder: Path = _RUN) -> None:
    """Have `server`, Patroni's class of a PostgreSQL, send signals itself, without `pg_ctl`."""
    as_patroni_does = server.pg_ctl

    def pg_ctl(self: Any, cmd: str, *args: str, **kwargs: Any) -> bool:  # noqa: ANN401  Patroni's own
        postmaster = self.is_running() if cmd in _SIGNALS else None
        if postmaster is None:
            return bool(as_patroni_does(self, cmd, *args, **kwargs))
        try:
            if cmd == "promote":
                data = Path(self.data_dir)
                archive_use.learn_timelines(data, self.config.restore_command(), run_folder)
                (data / "promote").touch(mode=0o600)
            os.kill(postmaster.pid, _SIGNALS[cmd])
        except OSError as error:
            _log.warning("PostgreSQL cannot be told to %s: %s.", cmd, error)
            return False
        _log.info("PostgreSQL was told to %s.", cmd)
        return True

    server.pg_ctl = pg_ctl
