"""Markdown of the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# A group that used less than this of the machine is not worth a reader's time.
_SHARE_MIN = 0.01


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table with these column heads."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cpu_line(shares: Mapping[str, float]) -> str:
    """Return which group of processes used how much of all CPUs, the busiest first."""
    return ", ".join(
        f"{group} {share:.0%}" for group, share in shares.items() if share > _SHARE_MIN
    )
