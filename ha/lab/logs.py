"""Logs: finds the one line that says why a program failed."""

from __future__ import annotations

import re
from collections.abc import Iterable
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


def blame(folders: Iterable[Path]) -> tuple[str, Path | None]:
    """Return the newest bad news found in the logs of `folders` with its file, if there is any."""
    found = sorted(
        (log for folder in folders for log in folder.glob("*.log") if log.stat().st_size),
        key=lambda log: log.stat().st_mtime,
        reverse=True,
    )
    for log in found:
        line = telling_line(log)
        if _BAD_NEWS.search(line):
            return line, log
    return (telling_line(found[0]), found[0]) if found else ("", None)
