"""
A model of the world the voters live in: three hosts, a network, etcd, Patroni, PostgreSQL.

Everything may happen in any order: cuts, power cuts, pauses, requests that get lost or arrive late.
Only what ha/warden/README.md names as assumptions is assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from ha.warden import patience, probes, voting
from ha.warden.facts import Beat, Leader, Peer, Postgres, Promise, Store, Sync, Verdict
from ha.warden.voting import Step, View

HOSTS = ("db1", "db2", "db3")
Decide = Callable[[View], Step | None]
NEVER = float("-inf")


@dataclass
class Host:
    """One database host: its kernel, its PostgreSQL, its Patroni's word, its warden's memory."""

    name: str
    is_on: bool = True
    is_running: bool = True
    is_primary: bool = False
    follows: str | None = None
    receives_from: str | None = None
    log: tuple[int, ...] = ()
    timeline: int = 1
    fenced: dict[str, float] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    peers: dict[str, Peer] = field(default_factory=dict)
    seen: Store = field(default_factory=lambda: Store(seen_s=NEVER))
    postgres: Postgres | None = None
    heard_s: float = NEVER
    promised_s: float = 0.0
    released_s: float | None = None
    ended_lease: int | None = None
    lease: int | None = None
    is_true_to_word: bool = True
    believes: str | None = None
    verdict: int = 0
    knew: int = 0


@dataclass
class Etcd:
    """What a majority of etcd knows; every change raises the revision."""

    revision: int = 1
    timeline: int = 0
    leader: Leader | None = None
    sync: Sync | None = None
    promises: dict[str, Promise] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    beats: dict[str, Beat] = field(default_factory=dict)
    verdict: Verdict | None = None
    cools_until_s: dict[str, float] = field(default_factory=dict)

    def next_revision(self) -> int:
        self.revision += 1
        return self.revision


class World:
    """
    All of it; `decide` is the protocol under test.

    `lacks` names what this world does without, to see that it matters: "fence" (the kernel lets
    everything through), "epoch", "verdict", "promises" (conditions of etcd's transactions), "order"
    (Patroni does not wait for the warden), "knowledge" (a sign of life is taken to know of whatever
    verdict there is when it arrives), "belief" (nobody believes in a leader that goes on without
    etcd).
    `happened` counts deeds by what became of them ("decide lost"), elections too.
    """

    def __init__(
        self, decide: Decide = voting.next_step, *, lacks: frozenset[str] = frozenset()
    ) -> None:
        self.decide = decide
        self.lacks = lacks
        self.now_s = 0.0
        self.etcd = Etcd()
        self.hosts = {name: Host(name) for name in HOSTS}
        self.cuts: set[frozenset[str]] = set()
        self.cut_from_etcd: set[str] = set()
        self.late: list[Callable[[], bool]] = []
        self.committed = 0
        self.acknowledged: set[int] = set()
        self.verdicts = 0
        self.happened: Counter[str] = Counter()
        self._lead(self.hosts["db1"])
        for name in HOSTS[1:]:
            self.hosts[name].follows = self.hosts[name].receives_from = "db1"

    # --- the network -----------------------------------------------------------------------------

    def reaches(self, one: str, other: str) -> bool:
        """Test if packets go both ways; a fence stops those of whoever put it up."""
        a, b = self.hosts[one], self.hosts[other]
        is_routed = other not in {*a.fenced, *a.left} and one not in {*b.fenced, *b.left}
        is_fenced = "fence" not in self.lacks and not is_routed
        return a.is_on and b.is_on and frozenset((one, other)) not in self.cuts and not is_fenced

    def reaches_etcd(self, name: str) -> bool:
        return self.hosts[name].is_on and name not in self.cut_from_etcd

    # --- PostgreSQL ------------------------------------------------------------------------------

    def commit(self, name: str) -> None:
        """A client writes on a primary; nobody has acknowledged it yet."""
        host = self.hosts[name]
        if host.is_on and host.is_running and host.is_primary:
            self.committed += 1
            host.log = (*host.log, self.committed)

    def replicate(self, name: str) -> None:
        """A replica gets its primary's WAL, and its receipt acknowledges what waits there."""
        host = self.hosts[name]
        source = host.receives_from
        if source is None or not (host.is_running and self.reaches(name, source)):
            return
        primary = self.hosts[source]
        if not (primary.is_running and primary.is_primary) or host.is_primary:
            return
        if primary.log[: len(host.log)] != host.log:
            return  # diverged: PostgreSQL refuses to stream
        host.log, host.timeline = primary.log, primary.timeline
        host.heard_s = self.now_s
        # ANY 1 of the others: this receipt is enough.
        self.acknowledged.update(primary.log)

    def connect(self, name: str) -> None:
        """A receiver that ended is started again, towards where Patroni last pointed it."""
        host = self.hosts[name]
        if host.follows and host.is_running and self.reaches(name, host.follows):
            host.receives_from = host.follows

    # --- Patroni ---------------------------------------------------------------------------------

    def patroni(self, name: str) -> None:
        """One turn of Patroni's loop on a host that sees etcd: obey the leader's key, or race."""
        host = self.hosts[name]
        if not self.reaches_etcd(name):
            return
        if not host.is_true_to_word and "order" not in self.lacks:
            return
        leader = self.etcd.leader
        if leader is None:
            if not self._believes(host):
                self._race(host)
        elif leader.host == name:
            host.is_running = host.is_primary = True
        else:
            self._follow(host, self.hosts[leader.host])

    def goes_on_without_etcd(self, name: str) -> None:
        """
        One turn of a primary that has lost etcd (failsafe mode): it asks every other.

        Whoever hears believes in it for a ttl, unless it leads itself; one that is not answered by
        all steps down (ha.py, check_failsafe_topology).
        """
        host = self.hosts[name]
        if not (host.is_on and host.is_running and host.is_primary) or self.reaches_etcd(name):
            return
        others = [other for other in self.hosts.values() if other is not host]
        hearing = [other for other in others if self.reaches(name, other.name)]
        agreeing = [other for other in hearing if not other.is_primary]
        for other in agreeing:
            other.believes = name
        if len(agreeing) < len(others):
            host.is_primary = False
        else:
            self.happened["goes on without etcd"] += 1

    def belief_runs_out(self, name: str) -> None:
        """A ttl after it was heard last; one whose turns ended has stepped down by then."""
        believed = self.hosts[name].believes
        if believed is not None and not self.hosts[believed].is_primary:
            self.hosts[name].believes = None

    def _believes(self, host: Host) -> bool:
        """Test if it waits for a leader that went on without etcd, and was not outvoted."""
        if host.believes is None or "belief" in self.lacks:
            return False
        if host.believes == voting.outvoted(self._view(host)):
            self.happened["believes no more"] += 1
            host.believes = None
        return host.believes is not None

    def expire(self) -> None:
        """
        The lease of a leader runs out by itself.

        One that is off, or has stepped down, or goes on without etcd while all others believe it.
        """
        leader = self.etcd.leader
        if leader is None:
            return
        host = self.hosts[leader.host]
        others = [other for other in self.hosts.values() if other is not host]
        is_believed = all(other.believes == host.name for other in others)
        is_away = not self.reaches_etcd(host.name) and is_believed
        if not host.is_on or not host.is_primary or is_away:
            self._end_lease(leader.lease)

    def step_down(self, name: str) -> None:
        """The leader gives its key up, and keeps the lease for the next time."""
        host, leader = self.hosts[name], self.etcd.leader
        if leader is not None and leader.host == name and self.reaches_etcd(name):
            host.is_primary = False
            self._without_leader()

    def _follow(self, host: Host, leader: Host) -> None:
        was_primary, host.is_primary = host.is_primary, False
        if was_primary or not host.is_running or not _is_prefix(host.log, leader.log):
            if not self.reaches(host.name, leader.name):
                host.is_running = False
                host.receives_from = None
                return
            host.log = _common(host.log, leader.log)  # pg_rewind
            host.timeline = leader.timeline
        host.is_running = True
        if host.follows != leader.name:
            host.follows, host.receives_from = leader.name, None

    def _race(self, host: Host) -> None:
        """
        Take the leader's key as Patroni's quorum allows (ha.py, is_healthiest_node).

        On a timeline that is not the newest nobody does (check_timeline), a primary neither.
        """
        if host.timeline < self.etcd.timeline:
            host.is_primary = False
            return
        if host.is_running and host.is_primary:
            self.happened["old leader leads anew"] += 1
            self._lead(host)
            return
        host.is_running = True  # it starts as a replica, to be able to vote
        host.is_primary = False
        sync = self.etcd.sync
        assert sync is not None
        others = [self.hosts[n] for n in HOSTS if n != host.name and self.reaches(host.name, n)]
        answering = [other for other in others if other.is_running]
        if any(other.is_primary or len(other.log) > len(host.log) for other in answering):
            return
        voting_set = sync.voters | {self.old_leader}
        votes = sum(other.name in sync.voters for other in answering)
        if host.name in voting_set and votes >= sync.quorum + (host.name not in sync.voters):
            self.happened["election"] += 1
            self._lead(host)

    def _lead(self, host: Host) -> None:
        etcd = self.etcd
        host.lease = host.lease or etcd.next_revision()
        etcd.leader = Leader(host=host.name, revision=etcd.next_revision(), lease=host.lease)
        others = frozenset(HOSTS) - {host.name}
        etcd.sync = Sync(voters=others, quorum=1, revision=etcd.next_revision())
        self.old_leader = host.name
        if not host.is_primary:
            etcd.timeline = host.timeline = etcd.timeline + 1
        host.is_primary, host.follows, host.receives_from = True, None, None
        host.believes = None

    def _end_lease(self, lease: int) -> None:
        for host in self.hosts.values():
            host.lease = None if host.lease == lease else host.lease
        if self.etcd.leader is not None and self.etcd.leader.lease == lease:
            self._without_leader()

    def _without_leader(self) -> None:
        self.etcd.leader = None
        self.etcd.next_revision()

    # --- power -----------------------------------------------------------------------------------

    def power_off(self, name: str) -> None:
        host = self.hosts[name]
        host.is_on = host.is_running = host.is_primary = False
        host.receives_from = None
        host.fenced.clear()
        host.left.clear()

    def power_on(self, name: str) -> None:
        """
        The kernel has forgotten its routes; PostgreSQL waits for Patroni, Patroni for etcd.

        Where PostgreSQL took its WAL from last is written on its disk.
        """
        host = self.hosts[name]
        if host.is_on:
            return
        host.is_on = True
        host.lease, host.is_true_to_word, host.verdict, host.knew = None, False, 0, 0
        host.believes = None
        host.promised_s, host.released_s, host.ended_lease = self.now_s, None, None
        host.seen, host.peers, host.heard_s = Store(seen_s=NEVER), {}, NEVER

    # --- the warden ------------------------------------------------------------------------------

    def probe(self, name: str) -> None:
        """Ask every other host; takes no time here, `now_s` moves by itself."""
        host = self.hosts[name]
        if not host.is_on:
            return
        for other in HOSTS:
            if other != name:
                before = host.peers.get(other)
                is_answered = self.reaches(name, other)
                known = {
                    party: probes.updated(
                        getattr(before, party) if before else None,
                        is_answered=is_answered,
                        began_s=self.now_s,
                    )
                    for party in ("kernel", "warden")
                }
                host.peers[other] = Peer(**known)

    def look(self, name: str) -> None:
        """Read etcd, and leave a sign of life there; look at PostgreSQL."""
        host = self.hosts[name]
        if not host.is_on:
            return
        host.postgres, host.knew = None, host.verdict
        if host.is_running:
            host.postgres = Postgres(
                seen_s=self.now_s,
                is_in_recovery=not host.is_primary,
                timeline=1,
                lsn=len(host.log),
                streams_from=host.receives_from,
                heard_s=host.heard_s,
            )
        if self.reaches_etcd(name):
            self._read(host)

    def beat_late(self, name: str) -> None:
        """A sign of life is on its way to etcd, and gets stuck."""
        host = self.hosts[name]
        if host.postgres is not None:
            self.late.append(partial(self._beat, name, self._sign(host)))

    def _sign(self, host: Host) -> Beat:
        said = host.postgres
        return Beat(is_primary=not said.is_in_recovery, lsn=said.lsn, revision=0, verdict=host.knew)

    def _beat(self, name: str, sign: Beat) -> bool:
        etcd = self.etcd
        current = etcd.verdict.revision if etcd.verdict else 0
        known = current if "knowledge" in self.lacks else sign.verdict
        etcd.beats[name] = replace(sign, revision=etcd.next_revision(), verdict=known)
        return True

    def _read(self, host: Host) -> None:
        etcd, before = self.etcd, host.seen
        if host.postgres is not None:
            self._beat(host.name, self._sign(host))
        host.seen = Store(
            seen_s=self.now_s,
            epoch=etcd.epochs.get(host.name, 0),
            leader=etcd.leader,
            sync=etcd.sync,
            is_cooling=etcd.leader is not None
            and self.now_s < etcd.cools_until_s.get(etcd.leader.host, NEVER),
            promises=dict(etcd.promises),
            verdict=etcd.verdict,
            beats=dict(etcd.beats),
            beat_seen_s={
                name: before.beat_seen_s[name]
                if name in before.beats and before.beats[name].revision == beat.revision
                else self.now_s
                for name, beat in etcd.beats.items()
            },
        )
        host.verdict = etcd.verdict.revision if etcd.verdict else 0

    def leave_fence(self, name: str, other: str) -> None:
        """A fence fails half way: its route stands, unknown to the warden; its receiver too."""
        host = self.hosts[name]
        if host.is_on and other not in {name, *host.fenced}:
            host.left.add(other)

    def _adopt(self, host: Host, found: set[str]) -> None:
        host.fenced.update(dict.fromkeys(found - host.fenced.keys(), NEVER))
        host.left -= found
        self.happened["adopt"] += len(found)

    def act(self, name: str, fate: str) -> Step | None:
        """Let a warden take its next step; `fate` says if etcd hears of it: done, lost, late."""
        host = self.hosts[name]
        if not host.is_on:
            return None
        self._adopt(host, voting.strays(self._view(host), {*host.fenced, *host.left}))
        view = self._view(host)
        host.is_true_to_word = host.is_true_to_word or voting.keeps_its_word(view)
        step = self.decide(view)
        if step is None:
            return None
        if step.deed in {"fence", "lift"}:
            self.happened[step.deed] += 1
        if step.deed == "fence":
            host.fenced[step.host] = self.now_s
            host.left.discard(step.host)
            if host.receives_from == step.host and "fence" not in self.lacks:
                host.receives_from = None
        elif step.deed == "lift":
            del host.fenced[step.host]
        else:
            self._ask_etcd(host, step, fate)
        return step

    def _view(self, host: Host) -> View:
        return View(
            me=host.name,
            now_s=self.now_s,
            store=host.seen,
            postgres=host.postgres,
            peers=host.peers,
            fenced=host.fenced,
            promised_s=host.promised_s,
            released_s=host.released_s,
            ended_lease=host.ended_lease,
        )

    def _ask_etcd(self, host: Host, step: Step, fate: str) -> None:
        request = self._request(host, step)
        if step.deed == "promise":
            host.promised_s, host.released_s = self.now_s, None
        if not self.reaches_etcd(host.name):
            fate = "lost" if fate == "done" else fate
        if fate != "done":
            self.happened[f"{step.deed} {fate}"] += 1
        if fate == "done":
            is_done = request()
            if step.deed == "release":
                host.released_s = self.now_s if is_done else None
                self._adopt(host, set(host.left) if is_done else set())
            if step.deed == "revoke":
                host.ended_lease = host.seen.verdict.lease
            self._read(host)
            return
        if fate == "late":
            self.late.append(request)
        host.seen = replace(host.seen, seen_s=NEVER)

    def _request(self, host: Host, step: Step) -> Callable[[], bool]:
        """Return the transaction of a step, with the conditions of `ha.warden.store`."""
        transactions = {
            "promise": self._promise,
            "release": self._release,
            "decide": self._decide,
            "revoke": self._revoke,
        }
        return partial(self._counted, step, partial(transactions[step.deed], host, host.seen))

    def _counted(self, step: Step, request: Callable[[], bool]) -> bool:
        is_done = request()
        self.happened[f"{step.deed} {'done' if is_done else 'refused'}"] += 1
        return is_done

    def _promise(self, host: Host, seen: Store) -> bool:
        etcd, leader = self.etcd, seen.leader
        assert leader is not None, "nobody is suspected without"
        if etcd.leader != leader or etcd.verdict != seen.verdict:
            return False
        if "epoch" not in self.lacks and etcd.epochs.get(host.name, 0) != seen.epoch:
            return False
        etcd.promises[host.name] = Promise(
            host=host.name,
            about=leader.revision,
            against=leader.host,
            revision=etcd.next_revision(),
        )
        return True

    def _release(self, host: Host, seen: Store) -> bool:
        etcd = self.etcd
        if "verdict" not in self.lacks and etcd.verdict != seen.verdict:
            return False
        if etcd.promises.get(host.name) != seen.promises.get(host.name):
            return False
        etcd.promises.pop(host.name, None)
        etcd.epochs[host.name] = etcd.next_revision()
        return True

    def _decide(self, _host: Host, seen: Store) -> bool:
        etcd, leader = self.etcd, seen.leader
        assert leader is not None, "nobody is judged without"
        relied_on = {n: p for n, p in seen.promises.items() if p.about == leader.revision}
        is_kept = all(etcd.promises.get(n) == p for n, p in relied_on.items())
        is_same = (etcd.leader, etcd.sync, etcd.verdict) == (leader, seen.sync, seen.verdict)
        if not is_same or self.now_s < etcd.cools_until_s.get(leader.host, NEVER):
            return False
        if not is_kept and "promises" not in self.lacks:
            return False
        etcd.verdict = Verdict(
            about=leader.revision,
            against=leader.host,
            lease=leader.lease,
            revision=etcd.next_revision(),
        )
        etcd.cools_until_s[leader.host] = self.now_s + patience.COOLING_S
        self.verdicts += 1
        return True

    def _revoke(self, _host: Host, seen: Store) -> bool:
        assert seen.verdict is not None, "there is a lease to revoke"
        self._end_lease(seen.verdict.lease)
        return True

    # --- the promise -----------------------------------------------------------------------------

    def lost(self) -> set[int]:
        """Return the acknowledged commits that the leader of now does not have."""
        leader = self.etcd.leader
        return self.acknowledged - set(self.hosts[leader.host].log) if leader else set()


def _is_prefix(log: tuple[int, ...], of: tuple[int, ...]) -> bool:
    return of[: len(log)] == log


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return one[:length]
