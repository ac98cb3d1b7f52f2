"""Store: what wardens read from etcd, what they write to it."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from ha.warden import etcd, patience
from ha.warden.etcd import Etcd, StoreRefused
from ha.warden.facts import Beat, Leader, Postgres, Promise, Store, Sync, Verdict

Kept = TypeVar("Kept")
_Pairs = dict[str, tuple[str, int, int]]
_NOTHING = ("{}", 0, 0)
# google.rpc.Code of a lease that is gone.
_NOT_FOUND = 5


class Records:
    """
    The keys of one cluster.

    Patroni's are read only, but for the lease of its leader, which `revoke` ends. Everything that
    wardens decide is one transaction of etcd, conditioned on what the decision was made from.
    """

    def __init__(self, store: Etcd, *, scope: str, host: str) -> None:
        self._store = store
        self._host = host
        self._patroni = f"/service/{scope}/"
        self._own = f"/evergrid/{scope}/warden/"
        self._promise = f"{self._own}promises/{host}"
        self._epoch = f"{self._own}epochs/{host}"

    def read(self, *, beat: Postgres | None, before: Store, now_s: float, knows: int = 0) -> Store:
        """
        Return what etcd holds now; leave a sign of life there if there is a `beat`.

        `knows` is the revision of the verdict that was known when the beat was taken.

        :raises StoreSilent: if etcd does not answer
        """
        operations = [
            *(etcd.get(self._patroni + key) for key in ("leader", "sync", "config", "failover")),
            etcd.get(self._own, is_prefix=True),
        ]
        if beat is not None:
            sign = {"is_primary": not beat.is_in_recovery, "lsn": beat.lsn, "verdict": knows}
            operations.insert(0, etcd.put(f"{self._own}beats/{self._host}", sign))
        _, responses = self._store.transact((), operations)
        return self._parsed(etcd.pairs(responses), before=before, now_s=now_s)

    def promise(self, seen: Store, leader: Leader) -> bool:
        """
        Promise to take no more WAL of this leadership.

        :returns: False if the leadership has changed, or a release came in between
        """
        value = {"about": leader.revision, "against": leader.host}
        conditions = (
            self._leader_is(leader.revision),
            self._verdict_is_as(seen),
            etcd.is_at(self._epoch, seen.epoch),
        )
        return self._store.transact(conditions, (etcd.put(self._promise, value),))[0]

    def release(self, seen: Store) -> bool:
        """
        Take back what this host has promised, also a promise that is still on its way.

        A request that was given up may reach etcd late: writing the epoch makes it fail then.
        :returns: False if a verdict was made, or the promise changed, meanwhile
        """
        promise = seen.promises.get(self._host)
        conditions = (
            self._verdict_is_as(seen),
            etcd.is_at(self._promise, promise.revision if promise else 0),
        )
        released = (etcd.delete(self._promise), etcd.put(self._epoch, self._host))
        return self._store.transact(conditions, released)[0]

    def decide(self, seen: Store, leader: Leader) -> bool:
        """
        Decide that this leadership is over; return False if anything it rests on has changed.

        That is: the leader's key, the quorum, every promise; Patroni's settings, which may be
        paused now, and its order to fail over; no verdict against that host in the last
        `COOLING_S`.
        """
        assert seen.sync is not None, "nobody decides without knowing the quorum"
        granted = self._store.call("/v3/lease/grant", {"TTL": str(patience.COOLING_S)})
        cooling = f"{self._own}cooling/{leader.host}"
        value = {"about": leader.revision, "against": leader.host, "lease": str(leader.lease)}
        conditions = [
            self._leader_is(leader.revision),
            etcd.is_at(f"{self._patroni}sync", seen.sync.revision),
            etcd.is_at(f"{self._patroni}config", seen.config),
            etcd.is_at(f"{self._patroni}failover", seen.failover),
            self._verdict_is_as(seen),
            etcd.is_at(cooling, 0),
            *(
                etcd.is_at(f"{self._own}promises/{promise.host}", promise.revision)
                for promise in seen.promises.values()
                if promise.about == leader.revision
            ),
        ]
        decided = (
            etcd.put(f"{self._own}verdict", value),
            etcd.put(cooling, self._host, lease=int(granted["ID"])),
        )
        return self._store.transact(conditions, decided)[0]

    def revoke(self, lease: int) -> None:
        """
        End the leader's lease: its key goes, everybody's watch fires. One that is gone will do.

        Never the key alone: Patroni would renew a lease that is still there, and believe.
        :raises StoreSilent: if etcd does not say that the lease is gone
        """
        try:
            self._store.call("/v3/lease/revoke", {"ID": str(lease)})
        except StoreRefused as refusal:
            if refusal.code != _NOT_FOUND:
                raise

    def _leader_is(self, revision: int) -> dict[str, Any]:
        return etcd.is_at(f"{self._patroni}leader", revision)

    def _verdict_is_as(self, seen: Store) -> dict[str, Any]:
        revision = seen.verdict.revision if seen.verdict else 0
        return etcd.is_at(f"{self._own}verdict", revision)

    def _parsed(self, found: _Pairs, *, before: Store, now_s: float) -> Store:
        config, configured, _ = found.get(f"{self._patroni}config", _NOTHING)
        leader = _leader(found.get(f"{self._patroni}leader"))
        beats = {key: _beat(*pair) for key, pair in self._under(found, "beats/").items()}
        return Store(
            seen_s=now_s,
            epoch=found.get(self._epoch, ("", 0, 0))[1],
            leader=leader,
            sync=_sync(found.get(f"{self._patroni}sync")),
            config=configured,
            failover=found.get(f"{self._patroni}failover", _NOTHING)[1],
            is_paused=bool(json.loads(config).get("pause")),
            has_failover_key=_is_order(found.get(f"{self._patroni}failover")),
            is_cooling=leader is not None and f"{self._own}cooling/{leader.host}" in found,
            promises={
                host: Promise(host=host, revision=revision, **json.loads(value))
                for host, (value, revision, _) in self._under(found, "promises/").items()
            },
            verdict=_verdict(found.get(f"{self._own}verdict")),
            beats=beats,
            beat_seen_s={
                host: before.beat_seen_s[host]
                if host in before.beats and before.beats[host].revision == beat.revision
                else now_s
                for host, beat in beats.items()
            },
        )

    def _under(self, found: _Pairs, folder: str) -> _Pairs:
        prefix = self._own + folder
        return {key[len(prefix) :]: pair for key, pair in found.items() if key.startswith(prefix)}


def _leader(pair: tuple[str, int, int] | None) -> Leader | None:
    return Leader(host=pair[0], revision=pair[1], lease=pair[2]) if pair else None


def _is_order(pair: tuple[str, int, int] | None) -> bool:
    """Test if somebody is ordered to lead; Patroni leaves an empty order behind one it obeyed."""
    return pair is not None and bool(json.loads(pair[0] or "{}"))


def _sync(pair: tuple[str, int, int] | None) -> Sync | None:
    """
    Return the quorum.

    Source: Patroni 4.1.5, dcs/__init__.py, SyncState: "sync_standby" lists the voters, comma
    separated.
    """
    if pair is None:
        return None
    value = json.loads(pair[0])
    voters = (value.get("sync_standby") or "").split(",")
    return Sync(
        voters=frozenset(filter(None, voters)),
        quorum=int(value.get("quorum") or 0),
        revision=pair[1],
    )


def _verdict(pair: tuple[str, int, int] | None) -> Verdict | None:
    if pair is None:
        return None
    value = json.loads(pair[0])
    return Verdict(
        about=value["about"],
        against=value["against"],
        lease=int(value["lease"]),
        revision=pair[1],
    )


def _beat(value: str, revision: int, _lease: int) -> Beat:
    said = json.loads(value)
    # During an upgrade a warden of before says nothing of verdicts: it knows of none.
    return Beat(
        is_primary=said["is_primary"],
        lsn=said["lsn"],
        revision=revision,
        verdict=said.get("verdict", 0),
    )
