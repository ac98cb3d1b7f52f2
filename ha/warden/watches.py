"""Watches: each looks at one thing, time after time, for the board."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2

from ha.identity import Identity
from ha.rest import RestSilent
from ha.warden import facts, patience, probes, processes
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.etcd import StoreSilent
from ha.warden.facts import GOING_DOWN, Canary, Host, Peer, Postgres
from ha.warden.patroni import Patroni
from ha.warden.postgres import Watched, is_going_down
from ha.warden.probes import Heard, Line
from ha.warden.settings import Settings
from ha.warden.store import Records

_log = logging.getLogger(__name__)


Look = Callable[[], float]


class PostgresWatch:
    """
    Asks PostgreSQL what it is, on a connection that stands.

    While WAL comes in, a note for `archive_get.sh` says so: the archive then has nothing newer. (A
    stream that ends before it gave anything is none: what is asked for is in the archive alone.)
    """

    def __init__(self, board: Board, server: Watched, run_folder: Path) -> None:
        self._board = board
        self._server = server
        self._note = run_folder / "streamed_at"
        self._noted_s = float("-inf")

    def look(self) -> float:
        """Look once; return when to look again."""
        board, before = self._board, self._board.postgres
        try:
            board.postgres = self._server.state(before, now_s=now_s())
        except psycopg2.Error as error:
            if is_going_down(error):
                # Clients are sent away at once: they would come back, each with a handshake, while
                # it has its last commits to write. Its end is seen by itself.
                board.canary = Canary(tried_s=now_s(), worked_s=float("-inf"), error=GOING_DOWN)
                board.hurry_canary.set()
                return patience.POSTGRES_EVERY_S
            return self._pause_s()
        if before is None or before.is_in_recovery != board.postgres.is_in_recovery:
            board.hurry_canary.set()
            board.hurry_patroni.set()
        if before is not None and before.streams_from and not board.postgres.streams_from:
            board.be_eager(is_eager=True)
        if board.postgres.has_received:
            self._note_stream()
        return self._pause_s()

    def _pause_s(self) -> float:
        is_to_stop = now_s() - self._board.stop_planned_s < patience.STOP_FOLLOWS_S
        is_urgent = self._board.is_eager or is_to_stop
        return patience.POSTGRES_EAGER_S if is_urgent else patience.POSTGRES_EVERY_S

    def _note_stream(self) -> None:
        if now_s() - self._noted_s < patience.NOTE_EVERY_S:
            return
        self._noted_s = now_s()
        hundredths = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)
        fresh = self._note.with_suffix(".new")
        try:
            fresh.write_text(f"{hundredths}\n", encoding="ascii")
            fresh.replace(self._note)  # whoever reads it finds the one before, or this one
        except OSError as error:
            _log.warning("The note for archive_get.sh could not be written: %s.", error)


class CanaryWatch:
    """Writes one row on a new connection, on a primary."""

    def __init__(self, board: Board, server: Watched, host: str) -> None:
        self._board = board
        self._server = server
        self._host = host

    def look(self) -> float:
        """Write once, if this is a primary; return when to do so again."""
        board = self._board
        if board.postgres is None or board.postgres.is_in_recovery:
            board.canary = None
            return patience.CANARY_EVERY_S
        found = self._server.write_canary(self._host, board.canary, clock_s=now_s())
        if found.error and board.canary is not None and board.canary.is_going_down:
            found = replace(found, worked_s=float("-inf"))  # that was said since this one began
        board.canary = found
        if found.is_going_down:
            return patience.CANARY_DOOMED_S
        if found.error:
            return patience.CANARY_AGAIN_S
        board.tell()
        return patience.CANARY_EVERY_S


class PatroniWatch:
    """Asks Patroni if it holds the leader's key."""

    def __init__(self, board: Board, patroni: Patroni) -> None:
        self._board = board
        self._patroni = patroni

    def look(self) -> float:
        """Ask once; silence leaves its last word standing, with its age."""
        try:
            has_lock = self._patroni.has_lock()
        except RestSilent:
            return patience.PATRONI_EVERY_S
        self._board.patroni = facts.Patroni(answered_s=now_s(), has_lock=has_lock)
        is_settled = not self._board.is_eager
        return patience.PATRONI_EVERY_S if is_settled else patience.POSTGRES_EAGER_S * 2


class HostWatch:
    """Asks the kernel: the two processes, the disk."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board = board
        self._data = settings.data_folder
        self._ballast = ballast_of(settings)

    def look(self) -> float:
        """Look once; return when to look again."""
        before, now = self._board.host, now_s()
        patroni_pid = before.patroni.pid if before and before.patroni else processes.patroni_pid()
        postmaster = processes.seen(
            processes.postmaster_pid(self._data), before.postmaster if before else None, now_s=now
        )
        self._board.host = Host(
            seen_s=now,
            postmaster=postmaster,
            patroni=processes.seen(patroni_pid, before.patroni if before else None, now_s=now),
            disk_free_bytes=_free_bytes(self._data),
            has_ballast=self._ballast.exists(),
        )
        self._await_end(postmaster.pid if postmaster else None)
        return 0.0 if postmaster else patience.HOST_EVERY_S

    def _await_end(self, postmaster: int | None) -> None:
        """Wait for the next look, or for the end of PostgreSQL, which is seen at once."""
        if postmaster is None:
            return
        try:
            descriptor = os.pidfd_open(postmaster)
        except ProcessLookupError:
            return
        try:
            processes.wait(descriptor, within_s=patience.HOST_EVERY_S)
        finally:
            os.close(descriptor)


class StoreWatch:
    """Reads etcd; leaves this host's sign of life there."""

    def __init__(self, board: Board, records: Records) -> None:
        self._board = board
        self._records = records
        self._lock = threading.Lock()
        self._beaten_s = float("-inf")
        self._verdict = 0
        self._verdict_known_s = float("-inf")

    def look(self) -> float:
        """Look once; return when to look again."""
        try:
            self.refresh()
        except StoreSilent as silence:
            _log.debug("etcd does not answer: %s.", silence)
        return patience.STORE_EAGER_S if self._board.is_eager else patience.STORE_EVERY_S

    def refresh(self) -> None:
        """
        Read what etcd holds now.

        Its time is that of the question: what was decided before is in the answer.
        :raises StoreSilent: if etcd does not answer
        """
        with self._lock:
            board, asked_s = self._board, now_s()
            beat = self._beat(asked_s)
            is_later = beat is not None and beat.seen_s > self._verdict_known_s
            board.store = self._records.read(
                beat=beat,
                before=board.store,
                now_s=asked_s,
                knows=self._verdict if is_later else 0,
            )
            if beat is not None:
                self._beaten_s = asked_s
            verdict = board.store.verdict
            if verdict is not None and verdict.revision != self._verdict:
                self._verdict, self._verdict_known_s = verdict.revision, now_s()

    def _beat(self, asked_s: float) -> Postgres | None:
        """Return what the sign of life says, if one is due and PostgreSQL gave one itself."""
        postgres = self._board.postgres
        if postgres is None or asked_s - postgres.seen_s > patience.POSTGRES_FRESH_S:
            return None
        every_s = patience.BEAT_OF_REPLICA_S if postgres.is_in_recovery else 0.0
        return postgres if asked_s - self._beaten_s >= every_s else None


class PeerWatch:
    """Probes one other database host."""

    def __init__(self, board: Board, settings: Settings, peer: str, identity: Identity) -> None:
        self._board = board
        self._peer = peer
        self._identity = identity
        self._line = Line(
            settings.peers[peer], warden_port=settings.port, other_port=settings.patroni_port
        )

    def look(self) -> float:
        """Probe once, if that matters; return when to probe again."""
        board = self._board
        leader = board.store.leader
        is_leader = leader is None or leader.host == self._peer
        if not is_leader and (board.postgres is None or board.postgres.is_in_recovery):
            board.peers.pop(self._peer, None)  # what is not asked any more is not known
            self._line.close()
            return patience.PROBE_EVERY_S
        before, began = board.peers.get(self._peer), now_s()
        heard = self._line.ask(self._identity.calling())
        board.peers[self._peer] = _probed(before, heard, began_s=began)
        return max(0.0, patience.PROBE_EVERY_S - (now_s() - began))


def _probed(before: Peer | None, heard: Heard, *, began_s: float) -> Peer:
    """Return what is known of a peer after one more probe."""
    return Peer(
        kernel=probes.updated(
            before.kernel if before else None,
            is_answered=heard is not Heard.NOTHING,
            began_s=began_s,
        ),
        warden=probes.updated(
            before.warden if before else None,
            is_answered=heard is Heard.WARDEN,
            began_s=began_s,
        ),
    )


def ballast_of(settings: Settings) -> Path:
    """Return the file that keeps some room on the disk until it is needed."""
    return Path(settings.data_folder).parent / "ballast"


def run(look: Look, *, stopped: threading.Event, hurry: threading.Event | None = None) -> None:
    """Look until stopped; `hurry` cuts a pause short."""
    pause = hurry or stopped
    while not stopped.is_set():
        pause_s = look()
        if pause_s > 0 and pause.wait(pause_s) and hurry is not None:
            hurry.clear()


def _free_bytes(folder: str) -> int:
    """Return what is free to users other than root; nobody's fault if the folder is not there."""
    for path in _upwards(Path(folder)):
        try:
            found = os.statvfs(path)
        except FileNotFoundError:
            continue
        return found.f_bavail * found.f_frsize
    raise AssertionError("there is a root folder")


def _upwards(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents
