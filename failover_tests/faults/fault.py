"""What was broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What was broken, where, when (monotonic), how we know.

    `is_pause`: the hosts stood still whole, and go on with what they knew before.
    """

    what: str
    hosts: tuple[str, ...]
    began_s: float
    proof: str
    is_pause: bool = False

    @property
    def where(self) -> str:
        """The hosts in words."""
        return " and ".join(self.hosts)
