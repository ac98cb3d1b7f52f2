"""Links that carry nothing, or carry it late."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from failover_tests import budgets
from failover_tests.faults import probes
from failover_tests.faults.fault import Fault
from ha.lab import Lab
from ha.lab.waiting import until

# A host that is reachable at all answers its neighbour far sooner than this.
_PROMPT_S = 0.1

# Whoever counts a link's outages looks this often.
_LOOK_S = 0.02


@contextmanager
def cut_off(lab: Lab, host: str, others: Sequence[str] = ()) -> Iterator[Fault]:
    """
    Let nothing pass between `host` and `others`, or everybody; seen from both sides. Heal after.

    :raises NotInTime: if one side did not reach the other before, or still does
    """
    peers = tuple(others) or tuple(h.name for h in lab.topology.hosts if h.name != host)
    ways = [(host, peer) for peer in peers] + [(peer, host) for peer in peers]

    def open_ways() -> list[tuple[str, str]]:
        seen = probes.together(lambda way: lab.is_reached(way[1], asked_from=way[0]), ways)
        return [way for way, is_open in zip(ways, seen, strict=True) if is_open]

    until(
        open_ways,
        is_enough=lambda seen: seen == ways,
        what=f"{host} and {peers} to reach each other before (or silence would prove nothing)",
        within_s=budgets.FAULT_PROVEN_S,
    )
    began_s = time.monotonic()
    try:
        lab.cut(host, others)
        until(
            open_ways,
            is_enough=lambda seen: not seen,
            what=f"{host} and {peers} to be cut off from each other",
            within_s=budgets.FAULT_PROVEN_S,
        )
        whom = " and ".join(others) or "everybody"
        proof = f"of {len(ways)} ways between them, looked at from both sides, none is open"
        yield Fault(what=f"cut off from {whom}", hosts=(host,), began_s=began_s, proof=proof)
    finally:
        lab.heal()


@contextmanager
def slow(lab: Lab, host: str, *, latency_s: float, loss: float) -> Iterator[Fault]:
    """
    Delay everything to and from `host`, lose a share of it. Heal on leaving.

    :raises NotInTime: if the host was slow before, or answers promptly still
    """
    asked_from = probes.client(lab)

    def answered_after_s() -> float:
        return _answered_after_s(lab, host, asked_from=asked_from)

    until(
        answered_after_s,
        is_enough=lambda seen_s: seen_s < _PROMPT_S,
        what=f"{host} to answer {asked_from} promptly before",
        within_s=budgets.FAULT_PROVEN_S,
    )
    began_s = time.monotonic()
    try:
        lab.slow(host, latency_s=latency_s, loss=loss)
        seen_s = until(
            answered_after_s,
            is_enough=lambda seen_s: seen_s >= latency_s,
            what=f"{host} to answer {asked_from} only after {latency_s:g} s",
            within_s=budgets.FAULT_PROVEN_S,
        )
        what = f"{latency_s * 1000:g} ms latency, {loss:.0%} loss"
        proof = f"it answers {asked_from} after {seen_s:.2f} s"
        yield Fault(what=what, hosts=(host,), began_s=began_s, proof=proof)
    finally:
        lab.heal()


@contextmanager
def flapping(lab: Lab, host: str, *, downs_s: Sequence[float], up_s: float) -> Iterator[Fault]:
    """
    Take the link of `host` away, for as long as each of `downs_s` says, as a bad plug does.

    It is up for `up_s` after each.
    :raises NotInTime: if it was not seen to go away that often
    """
    times = len(downs_s)
    began_s = time.monotonic()
    outages, was_open = 0, True
    asked_from = probes.client(lab)
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            flaps = pool.submit(_flap, lab, host, downs_s, up_s)
            while not flaps.done():
                is_open = _is_reached(lab, host, asked_from=asked_from)
                outages += was_open and not is_open
                was_open = is_open
                time.sleep(_LOOK_S)
            flaps.result()
        until(
            lambda: outages,
            is_enough=lambda seen: seen >= times,
            what=f"{times} outages of {host}'s link, counted while it flapped",
            within_s=0,
        )
        proof = f"{asked_from} saw it go away {outages} times"
        what = f"link flapping {times} times, for {min(downs_s):g} to {max(downs_s):g} s"
        yield Fault(what=what, hosts=(host,), began_s=began_s, proof=proof)
    finally:
        lab.heal()


def _flap(lab: Lab, host: str, downs_s: Sequence[float], up_s: float) -> None:
    for down_s in downs_s:
        lab.flap(host, 1, down_s=down_s, up_s=up_s)


def _answered_after_s(lab: Lab, host: str, *, asked_from: str) -> float:
    url = f"https://{lab.topology.host(host).address}:{probes.port(lab, host)}/"
    # As a stranger, whom nobody answers more than a handshake: that takes as long as it takes.
    curl = ["curl", "--silent", "--insecure", "--output", "/dev/null", "--max-time", "8"]
    printed = lab.exec(
        asked_from,
        [*curl, "--write-out", "%{time_appconnect}", url],
        timeout_s=10,
        check=False,
    )
    return float(printed or "inf") or float("inf")


def _is_reached(lab: Lab, host: str, *, asked_from: str) -> bool:
    """Test if the host's network answers within a fifth of a second."""
    address = f"/dev/tcp/{lab.topology.host(host).address}/{probes.port(lab, host)}"
    probe = f"timeout 0.2 bash -c '<{address}' 2>/dev/null && echo open || true"
    return lab.exec(asked_from, ["bash", "-c", probe], timeout_s=5).strip() == "open"
