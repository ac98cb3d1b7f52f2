"""Switchover: lets another database host lead, without a client noticing more than a short wait."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ha.rest import Rest, RestSilent
from ha.site import ANSWER_S, Question, Site

# A replica that is further behind would make its clients wait for what it lacks.
LAG_MAX_BYTES = 1 << 20
# Whoever has been at it for longer would lose more work than a second attempt costs.
TRANSACTION_MAX_S = 5.0
# What the old primary has not archived is the new one's to archive: 48 MB.
SEGMENTS_MAX = 12

# Longer than a warden gives PostgreSQL (60 s), so that it can say why.
_CHECKPOINT_S = 65.0
# Longer than Patroni takes to give up by itself (primary_stop_timeout, then a failover).
_NEW_PRIMARY_S = 40.0
_REJOINED_S = 60.0
# As exact as the report needs; each look costs three hosts an answer while they are busiest.
_STEP_S = 0.05


class SwitchoverRefused(Exception):
    """Something makes a switchover unsafe, or slow, now; nothing was changed."""

    code = "SWITCHOVER_UNSAFE"
    hint = "See to what is named, then try again; `evergrid-ha status` shows every host."

    @property
    def sentence(self) -> str:
        """What is wrong, with the code and what to do, for whoever gave the order."""
        return f"{self} [{self.code}] {self.hint}"


class CheckpointRefused(SwitchoverRefused):
    """A host did not write its checkpoint: its stop, or its promotion, would have to."""

    code = "CHECKPOINT_REFUSED"
    hint = "Look at that host's disk and load; try again when `CHECKPOINT` ends within a minute."


class PlannedStopRefused(SwitchoverRefused):
    """The leader would be stopped like in an emergency: behind its archive, however long."""

    code = "PLANNED_STOP_REFUSED"
    hint = "Look at the warden's log on that host, and at its disk; then try again."


class SwitchoverFailed(Exception):
    """It was begun, and did not come to its end in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a switchover must know of each host; `preflight` is what could hold the leader up."""

    statuses: dict[str, dict[str, Any]]
    preflight: dict[str, Any] = field(default_factory=dict)

    @property
    def leader(self) -> str | None:
        """The host that clients write to."""
        leaders = [name for name, status in self.statuses.items() if status["is_primary"]]
        return leaders[0] if len(leaders) == 1 else None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """
    What happened. `unwritable_s` is how long no host said that it takes writes; `rejoined_s` when,
    after the order, the old leader streamed from the new one.
    """

    old: str
    new: str
    checkpoint_s: float
    unwritable_s: float
    rejoined_s: float


def switch_over(site: Site, *, to: str | None, say: Callable[[str], None]) -> Report:
    """
    Let `to` lead, or whichever replica is elected; return how it went.

    Naming one costs two seconds: the other replica, whose receipt the new primary's commits need,
    then sleeps that long before it follows (patroni/ha.py, process_unhealthy_cluster).
    :raises SwitchoverRefused: with every reason that speaks against it; nothing was changed
    :raises SwitchoverFailed: if it was begun, and is not done in time
    """
    standing = _standing(site)
    old = standing.leader
    likely = to or best(standing)
    if reasons := list(objections(standing, new=likely)):
        raise SwitchoverRefused("; ".join(reasons))
    assert old is not None, "without a leader there is an objection"
    assert likely is not None, "without a candidate there is an objection"
    say(f"{old} hands over to {to or 'whichever replica is first'}.")
    began_s = time.monotonic()
    for host in (old, likely):
        _told(site, host, "/checkpoint", within_s=_CHECKPOINT_S, refusal=CheckpointRefused)
    checkpoint_s = time.monotonic() - began_s
    say(f"{old} and {likely} have written a checkpoint ({checkpoint_s:.1f} s).")
    new, unwritable_s, ordered_s = _hand_over(site, old=old, to=to)
    say(f"{new} takes writes; for {unwritable_s:.2f} s nobody did.")
    _wait(
        lambda: site.statuses().get(old, {}).get("streams_from") == new,
        f"{old} streams from {new}",
        _REJOINED_S,
    )
    rejoined_s = time.monotonic() - ordered_s
    say(f"{old} follows it ({rejoined_s:.1f} s after the order).")
    return Report(
        old=old,
        new=new,
        checkpoint_s=round(checkpoint_s, 2),
        unwritable_s=round(unwritable_s, 2),
        rejoined_s=round(rejoined_s, 2),
    )


def best(standing: Standing) -> str | None:
    """Return the replica that has replayed most, or None if there is no replica."""
    replicas = {n: s for n, s in standing.statuses.items() if s["is_replica"] and s["lsn"]}
    return max(replicas, key=lambda name: (replicas[name]["lsn"], name), default=None)


def objections(standing: Standing, *, new: str | None) -> Iterator[str]:
    """Return each reason against a switchover to `new` now, as a sentence."""
    old, statuses = standing.leader, standing.statuses
    if old is None:
        yield "no host, or more than one, says that it takes writes"
        return
    if new is None:
        yield "there is no replica to hand over to"
        return
    yield from _against_candidate(statuses[old], statuses.get(new), new=new, old=old)
    yield from _against_leader(standing.preflight, old=old)
    if statuses[old]["store"]["is_paused"]:
        yield "the cluster is paused; `patronictl resume` ends that"
    if fenced := [name for name, status in statuses.items() if status["fenced"]]:
        yield f"a failover is under way: {' and '.join(fenced)} fenced another host off"


def _against_candidate(
    leading: dict[str, Any], candidate: dict[str, Any] | None, *, new: str, old: str
) -> Iterator[str]:
    if candidate is None:
        yield f"the warden of {new} does not answer"
        return
    if new == old:
        yield f"{new} leads already"
        return
    if not candidate["is_replica"]:
        yield f"{new} is no replica that can take over: {candidate['why']}"
    if new not in leading["store"]["voters"]:
        yield f"{new} takes no part in the quorum"
    behind = leading["lsn"] - (candidate["lsn"] or 0)
    if behind > LAG_MAX_BYTES:
        yield f"{new} is {behind} bytes behind, more than {LAG_MAX_BYTES}"


def _against_leader(preflight: dict[str, Any], *, old: str) -> Iterator[str]:
    longest_s = preflight["longest_transaction_s"]
    if longest_s > TRANSACTION_MAX_S:
        yield f"a transaction on {old} has been open for {longest_s} s, which would be lost"
    if preflight["archiver_failed_on"]:
        yield f"{old} cannot archive {preflight['archiver_failed_on']}: stopping it would hang"
    waiting = preflight["segments_not_archived"]
    if waiting > SEGMENTS_MAX:
        yield f"{old} has {waiting} segments of WAL to archive first"


def _standing(site: Site) -> Standing:
    statuses = site.statuses()
    leader = Standing(statuses=statuses).leader
    preflight: dict[str, Any] = {}
    if leader is not None:
        preflight = _told(
            site, leader, "/preflight", within_s=ANSWER_S * 2, refusal=SwitchoverRefused
        )
    return Standing(statuses=statuses, preflight=preflight)


def _hand_over(site: Site, *, old: str, to: str | None) -> tuple[str, float, float]:
    """
    Give the order; return who leads, for how long nobody took writes, when the order was given.

    Patroni's own answer comes late, when it has seen the new leader; the new primary's warden knows
    first.
    """
    refusals: list[str] = []
    ordered_s = time.monotonic()
    _told(site, old, "/planned-stop", within_s=ANSWER_S, refusal=PlannedStopRefused)
    order = threading.Thread(target=_order, args=(site, old, to, refusals), daemon=True)
    order.start()
    last_s, taken_by = ordered_s, ""
    others = [to] if to else [host for host in site.wardens if host != old]

    def is_taken() -> bool:
        nonlocal last_s, taken_by
        if refusals:
            raise SwitchoverFailed(f"Patroni refused: {refusals[0]}")
        taken_by = next((host for host in others if _takes_writes(site, host)), "")
        if not taken_by and _takes_writes(site, old):
            last_s = time.monotonic()
        return bool(taken_by)

    _wait(is_taken, f"{to or 'another host'} takes writes", _NEW_PRIMARY_S)
    return taken_by, time.monotonic() - last_s, ordered_s


def _told(
    site: Site, host: str, path: str, *, within_s: float, refusal: type[SwitchoverRefused]
) -> dict[str, Any]:
    """Return what a warden says that it did; the switchover relies on it."""
    try:
        status, answer = site.wardens[host].post(path, within_s=within_s)
    except RestSilent as silence:
        raise refusal(f"the warden of {host} does not answer: {silence}") from silence
    if status != Rest.OK or not isinstance(answer, dict):
        raise refusal(f"the warden of {host} refuses {path}: {status} {answer}")
    return answer


def _order(site: Site, old: str, to: str | None, refusals: list[str]) -> None:
    wanted = {"leader": old} | ({"candidate": to} if to else {})
    try:
        status, answer = site.patronis[old].post("/switchover", wanted, within_s=_NEW_PRIMARY_S)
    except RestSilent:
        return  # it may be done all the same: the new primary tells
    if status != Rest.OK:
        refusals.append(f"{status} {answer}")


def _takes_writes(site: Site, host: str) -> bool:
    try:
        return site.wardens[host].get("/primary", within_s=ANSWER_S)[0] == Rest.OK
    except RestSilent:
        return False


def _wait(is_so: Callable[[], bool], what: str, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline_s:
            raise SwitchoverFailed(f"{what}: not within {within_s:g} s")
        time.sleep(_STEP_S)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `main` prints last: the report, or why there is none."""

    report: Report | None = None
    refusal: str = ""


class Order(Question, frozen=True, kw_only=True):
    """
    What `main` reads: a command line would show the password to everybody.

    `to` is the host that shall lead; None leaves it to the replica that is furthest.
    """

    to: str | None


def main() -> None:
    """Switch over as standard input says; the last line printed is the result, as JSON."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        result = Result(report=switch_over(order.site(), to=order.to, say=_print))
    except SwitchoverRefused as refusal:
        result = Result(refusal=refusal.sentence)
    except (SwitchoverFailed, RestSilent) as error:
        result = Result(refusal=str(error))
    _print(msgspec.json.encode(result).decode())


def _print(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  its caller reads along


if __name__ == "__main__":
    main()
