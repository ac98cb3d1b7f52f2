"""The program: `python -m ha.warden`, one beside each PostgreSQL."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ha import watchdog
from ha.identity import Identity
from ha.rest import Rest
from ha.warden import metrics, patience, settings, status, watches
from ha.warden.board import Board
from ha.warden.certificate import CertificateWatch
from ha.warden.clock import now_s
from ha.warden.etcd import Etcd
from ha.warden.judge import Judge
from ha.warden.patroni import Patroni
from ha.warden.postgres import Watched, bound_every_wait
from ha.warden.server import Offers, Server
from ha.warden.settings import Settings
from ha.warden.store import Records
from ha.warden.voter import Voter
from ha.warden.warden import Warden

_log = logging.getLogger(__name__)
_CONFIGURATION = Path("/etc/evergrid/warden.json")


def main(path: Path = _CONFIGURATION) -> None:
    """Watch until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # A turn of another thread may not hold up an answer for longer than a probe can stand.
    sys.setswitchinterval(0.002)
    bound_every_wait()
    run(settings.read(path))


def run(found: Settings) -> None:
    """
    Run one warden as it is set, until SIGTERM.

    :raises SystemExit: if a part of it failed
    """
    board = Board()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: board.stopped.set())
    judge = Judge(found, board)
    identity = Identity()
    warden, voter, looks = _assembled(found, board, judge, identity)
    for look, hurry in looks:
        _begin(board, partial(watches.run, look, stopped=board.stopped, hurry=hurry))
    desk = status.Desk(found, board=board, judge=judge, voter=voter)
    _begin(board, partial(_answer, found, board, judge=judge, desk=desk, identity=identity))
    _log.info("The warden of %s watches, with %s.", found.host, ", ".join(sorted(found.features)))
    # The first turns fence anew what was promised before this host started.
    while not board.stopped.wait(_pause_s(board)):
        warden.turn()
        watchdog.sign()
    if board.has_failed:
        sys.exit(1)


def _begin(board: Board, work: Callable[[], object]) -> None:
    threading.Thread(target=board.watched(work), daemon=True).start()


def _answer(
    found: Settings, board: Board, *, judge: Judge, desk: status.Desk, identity: Identity
) -> None:
    _look_first(board)
    _server(found, judge, desk, identity).serve_forever()


def _look_first(board: Board) -> None:
    """
    Wait until there is something to answer, a second at most.

    Whoever asks meanwhile waits in the socket's queue; an early no would take clients away.
    """
    deadline_s = now_s() + patience.FIRST_LOOKS_S
    while now_s() < deadline_s:
        postgres = board.postgres
        is_proven = postgres is not None and (postgres.is_in_recovery or board.canary is not None)
        if is_proven and board.host is not None and board.store.leader is not None:
            return
        board.stopped.wait(patience.FIRST_LOOKS_S / 50)


def _pause_s(board: Board) -> float:
    is_urgent = board.is_eager or not board.is_true_to_word
    return patience.TURN_EAGER_S if is_urgent else patience.TURN_S


def _assembled(
    found: Settings, board: Board, judge: Judge, identity: Identity
) -> tuple[Warden, Voter, list[tuple[watches.Look, threading.Event | None]]]:
    """Return the warden, its voice, with all that looks on its behalf."""
    hosts = {**found.peers, found.host: found.address}
    first = sorted(hosts).index(found.host)

    def records() -> Records:
        """Return the records over a connection of their own: two threads cannot share one."""
        store = Etcd(found.stores, identity=identity, first=first)
        return Records(store, scope=found.scope, host=found.host)

    rest = Rest(found.address, found.patroni_port, found.patroni_password, identity=identity)
    patroni = Patroni(rest)
    ask = partial(Watched, socket_folder=found.socket_folder, port=found.postgres_port, hosts=hosts)
    store_watch = watches.StoreWatch(board, records())
    looks: list[tuple[watches.Look, threading.Event | None]] = [
        (watches.PostgresWatch(board, ask(), Path(found.run_folder)).look, board.hurry_postgres),
        (watches.CanaryWatch(board, ask(), found.host).look, board.hurry_canary),
        (watches.PatroniWatch(board, patroni).look, board.hurry_patroni),
        (watches.HostWatch(board, found).look, None),
        (CertificateWatch(board, found, identity).look, None),
        (store_watch.look, board.hurry_store),
        *((watches.PeerWatch(board, found, peer, identity).look, None) for peer in found.peers),
    ]
    voter = Voter(
        found,
        board=board,
        server=ask(),
        records=records(),
        store_watch=store_watch,
        wake_patroni=patroni.wakes,
    )
    return Warden(found, board=board, judge=judge, patroni=patroni, voter=voter), voter, looks


def _server(found: Settings, judge: Judge, desk: status.Desk, identity: Identity) -> Server:
    offers = Offers(
        primary=judge.primary_soon,
        replica=judge.replica,
        word=judge.word,
        leads=judge.leads,
        outvoted=judge.outvoted,
        status=desk.status,
        metrics=lambda: desk.measured(metrics.page),
        acts=desk.acts(),
    )
    return Server(
        (found.address, found.port),
        offers,
        password=found.patroni_password,
        identity=identity,
    )


if __name__ == "__main__":
    main()
