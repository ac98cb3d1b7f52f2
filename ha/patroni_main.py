"""
Patroni as a host runs it: it starts after its warden, heeds its verdicts, is prompt with etcd.

Beside the checkpoint that PostgreSQL takes its time for after a promotion, Patroni asks for one at
once, for the sake of a lost primary that comes back: to rewind, that one must read the new timeline
in a control file. It is the moment in which clients that have waited for seconds are answered, by
the disks that the checkpoint writes thousands of pages to. They go first: a primary that has to
rewind is back so much later.

While etcd is away the primary asks every member once a loop whether it may go on (failsafe mode).
Whoever agrees takes it for the leader for a ttl, though etcd may be back sooner, and the leader's
lease gone (patroni/ha.py `Failsafe`, 4.1.5): a primary that is lost within those 20 s would cost as
much, where the wardens need two. A leadership that they have ended is believed no more.

A host that boots has lost its fence, not its promise: PostgreSQL must not stream before the warden
has fenced anew (ha/warden/README.md).

urllib3 sends the head of a request and its body separately, and for that reason asks for
TCP_NODELAY. Patroni's `Etcd3.set_socket_options` sets its keepalive options instead of what it is
handed (patroni/dcs/etcd3.py, 4.1.5), so that each body waits for etcd's delayed acknowledgement of
its head: 40 ms. Nine requests lie between the stop of one primary and the promotion of the next;
what else is made short there stands in `handover` and `archive_use`.

A member of etcd that has not heard of the newest term is left by ending the watch that feeds
Patroni's copy of the keys. Asked for just before the watch begins, that end is forgotten: in
`KVCache` (4.1.5) `_do_watch` puts None where `kill_stream` has put False. The watch goes on, nobody
takes the copy for ready, the next loop waits for it for `retry_timeout`. A replica that met with it
after etcd's leader and the primary were lost at one moment followed the new one 5 s late: so long
no commit was confirmed, in one of six such losses.
"""

from __future__ import annotations

import logging
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

_CONFIGURATION = Path("/etc/evergrid")
_AGAIN_S = 0.1
# What waited for four seconds is answered in ten to fifteen.
_CLIENTS_FIRST_S = 10.0
# Longer than a warden that has just started takes for its first looks.
_ANSWER_S = 1.5

_log = logging.getLogger(__name__)


def prompt(client: type[Any]) -> None:
    """Have `client`, Patroni's class of a client of etcd, send what it has to send at once."""
    as_patroni_does = client.set_socket_options

    def set_socket_options(self: object, sock: socket.socket, options: object) -> None:
        as_patroni_does(self, sock, options)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.set_socket_options = set_socket_options


def end_stale_watches(client: type[Any]) -> None:
    """Have `client`, Patroni's class with a copy of the keys, end a watch that feeds no copy."""
    as_patroni_does = client._wait_cache  # noqa: SLF001  Patroni's own

    def wait_cache(self: Any, timeout: float) -> None:  # noqa: ANN401  Patroni's own
        from patroni.utils import RetryFailedError  # noqa: PLC0415

        until_s = time.monotonic() + timeout
        while True:
            try:
                as_patroni_does(self, min(_AGAIN_S, timeout))
            except RetryFailedError:
                if time.monotonic() >= until_s:
                    raise
            else:
                return
            # A copy is ready before its watch begins, and until it ends or was found to be stale.
            if self._kv_cache._response:  # noqa: SLF001  Patroni's own
                self._kv_cache.kill_stream()

    client._wait_cache = wait_cache  # noqa: SLF001  Patroni's own


def let_clients_go_first(rewind: type[Any]) -> None:
    """Have `rewind`, Patroni's class that sees to checkpoints after promotions, take its time."""
    forget, see_to_checkpoint = rewind.reset_state, rewind.ensure_checkpoint_after_promote

    def reset_state(self: Any) -> None:  # noqa: ANN401  Patroni's own
        self.evergrid_not_before_s = time.monotonic() + _CLIENTS_FIRST_S
        forget(self)

    def ensure_checkpoint_after_promote(self: Any, wakeup: object) -> None:  # noqa: ANN401
        server = self._postgresql
        is_due = time.monotonic() >= self.evergrid_not_before_s
        if is_due or server.get_primary_timeline() == server.pg_control_timeline():
            see_to_checkpoint(self, wakeup)

    rewind.reset_state = reset_state
    rewind.ensure_checkpoint_after_promote = ensure_checkpoint_after_promote


def heed_verdicts(failsafe: type[Any], configuration: Path) -> None:
    """
    Have `failsafe`, Patroni's class, forget a leader that this host's warden calls outvoted.

    One that goes on after all asks again with its next loop, and is believed again if it is heard.
    """
    as_patroni_does = failsafe.leader.fget

    def leader(self: Any) -> object:  # noqa: ANN401  Patroni's own
        asked_s = self._last_update
        believed = as_patroni_does(self)
        if believed is None or not believed.name:  # a primary's own failsafe mode names nobody
            return believed
        if _ask(configuration, f"/outvoted?host={quote(believed.name)}") is not None:
            return believed
        with self._lock:
            if self._last_update == asked_s:
                self.set_is_active(0)
        _log.warning("%s is believed to lead no more: a verdict ended it.", believed.name)
        return None

    failsafe.leader = property(leader)


def await_warden(configuration: Path) -> None:
    """
    Return when the warden of this host says that whatever the host has promised is kept.

    Without a warden, or without etcd, it waits for ever: a host that does not know what it has
    promised must not confirm anybody's commits. Each reason to wait is told once.
    """
    told = ""
    while (why := _ask(configuration, "/word")) is not None:
        if why != told:
            sys.stderr.write(f"Patroni waits for the warden: {why}\n")
        told = why
        time.sleep(_AGAIN_S)


def _ask(configuration: Path, question: str) -> str | None:
    """Return None if the warden of the host with that `configuration` says yes, or why not."""
    import msgspec  # noqa: PLC0415

    from ha.identity import Identity  # noqa: PLC0415
    from ha.rest import Rest, RestSilent  # noqa: PLC0415
    from ha.warden import settings  # noqa: PLC0415

    try:
        found = settings.read(configuration / "warden.json")
    except (OSError, msgspec.MsgspecError) as error:  # of the next release, perhaps
        return f"the warden's settings cannot be read: {error}"
    warden = Rest(
        found.address, found.port, found.patroni_password, identity=Identity(configuration)
    )
    try:
        status, answer = warden.get(question, within_s=_ANSWER_S)
    except RestSilent as silence:
        return str(silence)
    return None if status == Rest.OK else str(answer)


def main() -> None:
    """Run Patroni."""
    # Not above: the process by which Patroni starts PostgreSQL imports this module anew.
    from patroni.__main__ import main as patroni  # noqa: PLC0415
    from patroni.dcs.etcd3 import Etcd3, PatroniEtcd3Client  # noqa: PLC0415
    from patroni.ha import Failsafe  # noqa: PLC0415
    from patroni.postgresql import Postgresql  # noqa: PLC0415
    from patroni.postgresql.config import ConfigHandler  # noqa: PLC0415
    from patroni.postgresql.rewind import Rewind  # noqa: PLC0415

    from ha import archive_use, handover  # noqa: PLC0415

    await_warden(_CONFIGURATION)
    handover.forget_stop()
    prompt(Etcd3)
    end_stale_watches(PatroniEtcd3Client)
    heed_verdicts(Failsafe, _CONFIGURATION)
    let_clients_go_first(Rewind)
    handover.stop_promptly(Postgresql)
    handover.signal_promptly(Postgresql)
    archive_use.leave_alone_while_streaming(ConfigHandler, Postgresql)
    patroni()


if __name__ == "__main__":
    main()
