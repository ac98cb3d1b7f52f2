"""The database as the rest of the service sees it: work goes in, its result comes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from service.store.primary import Primary
from service.store.replicas import Replicas
from service.store.round_trips import Servers
from service.store.transaction import Transaction

T = TypeVar("T")
POSTGRESQL_PORT = 5432
# A read is short, and waits for nobody; a commit waits for another host.
_WRITERS_PER_READER = 3


class Database:
    """
    Runs work on the primary until it succeeds or its time is over; `Session` knows replicas.

    Reads have connections to the primary of their own: when no replica is left, every commit waits,
    and would keep the last connection from those who only want to read.

    :param servers_port: that of the servers themselves, behind whatever balances the load
    """

    def __init__(
        self,
        *,
        dsn: str,
        connections_max: int,
        replica_dsn: str | None = None,
        servers_port: int = POSTGRESQL_PORT,
    ) -> None:
        is_slow = Servers(servers_port).are_far
        self.primary = Primary(dsn=dsn, connections_max=connections_max, is_network_slow=is_slow)
        to_read = max(1, connections_max // _WRITERS_PER_READER)
        self.primary_to_read = Primary(dsn=dsn, connections_max=to_read, is_network_slow=is_slow)
        self.replicas: Replicas | None = None
        if replica_dsn is not None:
            self.replicas = Replicas(dsn=replica_dsn, connections_max=to_read)

    @property
    def is_away(self) -> bool:
        """Tell if there was no primary a moment ago."""
        return self.primary.is_away or self.primary_to_read.is_away

    def transaction(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Run `work` in one transaction, commit it, and return what it returned.

        The whole of `work` is run again after a lost connection, a node that turned read-only, a
        shutdown, a deadlock or an unknown commit, so it must find out by itself whether an earlier
        attempt took effect (an idempotency key, a unique key, a state that it reads first).

        :param scope: '*' for every bureau, or the number of the only one it may see
        :param deadline: a `time.monotonic` value
        :raises DatabaseAway: if the deadline passes first; the work may or may not have been done
        """
        begin = partial(Transaction, scope=scope, is_read=False)
        result, _ = self.primary.run(begin, work, deadline=deadline)
        return result

    def read(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Return what `work` reads; each of its statements sees its own moment.

        :raises DatabaseAway: if the deadline passes first
        """
        begin = partial(Transaction, scope=scope, is_read=True)
        result, _ = self.primary_to_read.run(begin, work, deadline=deadline)
        return result

    def read_for_money(self, work: Callable[[Transaction], T], *, scope: str, deadline: float) -> T:
        """
        Return what `work` reads on the primary: whoever asks decides about money by the answer.

        :raises DatabaseAway: if the deadline passes first
        """
        return self.read(work, scope=scope, deadline=deadline)

    def close(self) -> None:
        """Close the idle connections, look for no primary any more; the last act of a program."""
        self.primary.close()
        self.primary_to_read.close()
        if self.replicas is not None:
            self.replicas.close()
