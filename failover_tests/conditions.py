"""The conditions of a drill: how many clients, for how long, how much longer they may wait."""

from __future__ import annotations

from dataclasses import dataclass

from failover_tests import budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """
    What a drill is asked for beside what it breaks.

    `rate` is how many payments a second, and as many reads; `load_s` how long to pay at least;
    after `longest_s` more the clients end by themselves. Clients may wait `allowance` times as long
    as they are promised, where a machine has too little to spare for its seconds to mean much.
    """

    rate: float = budgets.PAYMENTS_PER_S
    load_s: float = 0.0
    longest_s: float = budgets.LOAD_LONGEST_S
    allowance: float = 1.0
