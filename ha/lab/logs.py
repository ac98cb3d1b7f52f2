"""Logs: finds the one line that says why a program failed."""

from __future__ import annotations

import re
from pathlib import Path

# The words with which the programs of a host (and Python) begin the bad news.
_BAD_NEWS = re.compile(
    r"\b(FATAL|PANIC|CRITICAL|ERROR|ALERT|panic|alert|emerg)\b|^\w*(Error|Exception|Wrong)\b"
)
# A program that crashes in a loop says everything again and again at the end of its log.
_TAIL_BYTES = 64 * 1024


def telling_line(log: Path) -> str:
    """Return the last line of bad news in `log`; without any its last line; empty if it is."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    bad_news = [line for line in lines if _BAD_NEWS.search(line)]
    return (bad_news or lines or [""])[-1].strip()
