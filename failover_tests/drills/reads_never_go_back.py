"""The drill in which reads come from replicas whose replay stops at random, through failovers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

import msgspec

from failover_tests import answerers, budgets, faults, views
from failover_tests.companions import Companion, running
from failover_tests.faults import Fault
from failover_tests.judgement import Check, Outcome, check, judged
from failover_tests.load import Load
from failover_tests.promises import Promises
from failover_tests.stage import Stage
from ha.lab.waiting import until

# In how many of ten pauses both replicas stand still, so that only the primary can answer.
_BOTH_IN_TEN = 1


class ReadsNeverGoBack:
    """Pause replay at random, crash primaries: no read shows less than its client has seen."""

    def __init__(self, *, reads: int = 20_000, failovers: int = 1, seed: int = 1) -> None:
        self._reads = reads
        self._failovers = failovers
        self._random = random.Random(seed)

    def __call__(self, stage: Stage) -> Outcome:
        """Run the drill once on a whole lab; return what it came to."""
        before = answerers.counted(stage.lab)
        broken: list[Fault] = []
        with stage.paying(clients=_sessions(stage)) as load:
            seen = views.Count(stage.folder / "views.jsonl")
            for done in range(1, self._failovers + 1):
                broken += self._pauses(stage, seen, self._reads * done // (self._failovers + 1))
                broken.append(_crash(stage, load))
            broken += self._pauses(stage, seen, self._reads)
        evidence = stage.evidence(*broken)
        promises = Promises(
            write_stall_s=budgets.POSTMASTER_KILLED_WRITE_STALL_S,
            read_stall_s=budgets.READ_STALL_S,
            failovers_max=self._failovers,
            takeovers_min=self._failovers,
        )
        outcome = judged(evidence, promises.allowing(stage.conditions.allowance))
        answered = answerers.counted(stage.lab)
        answered.subtract(before)
        path = stage.folder / "views.jsonl"
        nets_fen = views.nets_before(evidence.books)
        return Outcome(
            evidence,
            (
                *outcome.verdict,
                check(
                    "no read shows less than its session knew",
                    f"{views.checked(views.read(path))} reads with a token",
                    views.went_back(views.read(path), nets_fen=nets_fen),
                ),
                _enough(self._reads, views.checked(views.read(path))),
                _by_replicas(answered),
            ),
            outcome.promises,
        )

    def _pauses(self, stage: Stage, seen: views.Count, enough: int) -> list[Fault]:
        """Pause the replay of replicas at random until there are `enough` views."""
        broken = []
        while seen.now() < enough:
            hosts: Sequence[str] = stage.replicas()
            if self._random.randrange(10) >= _BOTH_IN_TEN:
                hosts = [self._random.choice(hosts)]
            with ExitStack() as paused:
                broken += [
                    paused.enter_context(faults.replay_paused(stage.lab, host)) for host in hosts
                ]
                self._goes_on(seen)
            self._goes_on(seen)
        return broken

    def _goes_on(self, seen: views.Count) -> None:
        """Wait for some more views."""
        reads = self._random.randint(*budgets.REPLAY_PAUSED_READS)
        enough = seen.now() + reads
        until(
            seen.now,
            is_enough=lambda now: now >= enough,
            what=f"{enough} reads",
            within_s=budgets.RECOVERY_S + reads / budgets.READS_PER_S_MIN,
        )


def _crash(stage: Stage, load: Load) -> Fault:
    with faults.killed(stage.lab, stage.primary(), "postgres") as fault:
        load.is_served_again()
    stage.wait_until_whole_again()
    return fault


def _sessions(stage: Stage) -> AbstractContextManager[Companion]:
    info = stage.lab.info()
    return running(
        "failover_tests.workload.readers",
        [
            f"--endpoint={info['endpoint']}",
            f"--authority={info['authority']}",
            f"--views={(stage.folder / 'views.jsonl').resolve()}",
            f"--history={(stage.folder / 'history.jsonl').resolve()}",
            f"--run={stage.run}",
            f"--seconds={stage.longest_s}",
        ],
        namespace=info["client_namespace"],
        errors=stage.folder / "clients.log",
        secret=msgspec.json.encode(info["tokens"]),
    )


def _enough(wanted: int, checked: int) -> Check:
    found = [] if checked >= wanted * 0.9 else [f"{checked} reads carried a token"]
    return check("nearly every read carried a token", f"{checked} of {wanted}", found)


def _by_replicas(answered: dict[tuple[str, str], int]) -> Check:
    """Return the check of how many reads replicas answered; why the primary had to, is said."""
    total = sum(answered.values())
    share = sum(count for (by, _), count in answered.items() if by == "replica") / max(1, total)
    reasons = ", ".join(
        f"{why} {count}"
        for (by, why), count in sorted(answered.items())
        if by == "primary" and count
    )
    least = budgets.REPLICAS_SHARE_MIN
    found = [] if share >= least else [f"{share:.1%}; the primary had to: {reasons}"]
    return check(
        f"replicas answered at least {least:.0%} of the reads",
        f"{share:.2%} of {total}; the primary: {reasons or 'none'}",
        found,
    )
