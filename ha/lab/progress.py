"""Progress: says what is being done, then how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Steps on a terminal, one line each; in a log file too, without the moving parts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show `what` while it is being done, and its duration once it is."""
        began = time.monotonic()
        with self._console.status(f"{what} …"):
            try:
                yield
            except BaseException:
                self._console.print(f"[red]✗[/] {what} ({time.monotonic() - began:.1f} s)")
                raise
        self._console.print(f"[green]✓[/] {what} [dim]({time.monotonic() - began:.1f} s)[/]")

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self._console.print(sentence)

    def total_s(self) -> float:
        """Return how long it has all taken so far."""
        return time.monotonic() - self._began
