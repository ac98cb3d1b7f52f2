"""Errands: deeds that wait for somebody else's answer, beside the turns, which wait for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ha.warden.board import Board


class Errands:
    """Runs each errand in a thread of its own; one that is still out is not sent again."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._out: dict[str, threading.Thread] = {}

    def send(self, name: str, errand: Callable[[], object]) -> bool:
        """Begin an errand; return False if the last of this name has not come back."""
        before = self._out.get(name)
        if before is not None and before.is_alive():
            return False
        self._out[name] = threading.Thread(
            target=self._board.watched(errand), name=name, daemon=True
        )
        self._out[name].start()
        return True
