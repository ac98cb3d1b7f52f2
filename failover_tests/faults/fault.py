"""What was broken on purpose."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What was broken, where, when (monotonic), how we know.

    From `proven_s` on it was certainly in effect. `unconfirmed_until_s`: until then no replica
    could confirm a commit of the primary; None: one could.
    `address_moved_s`: since then another host has the address that clients call; None: it did not
    move.
    `is_pause`: the hosts stood still whole, and go on with what they knew before.
    """

    what: str
    hosts: tuple[str, ...]
    began_s: float
    proof: str
    is_pause: bool = False
    proven_s: float = field(default_factory=time.monotonic)
    unconfirmed_until_s: float | None = None
    address_moved_s: float | None = None

    @property
    def where(self) -> str:
        """The hosts in words."""
        return " and ".join(self.hosts)

    def unconfirmed_until_now(self) -> Fault:
        """Return this fault, known to have kept every replica from confirming until this moment."""
        return replace(self, unconfirmed_until_s=time.monotonic())

    def address_moved(self, *, at_s: float) -> Fault:
        """Return this fault, known to have moved the address that clients call, by `at_s`."""
        return replace(self, address_moved_s=at_s)
