"""The judge: answers load balancers, also Patroni, by what the watches know."""

from __future__ import annotations

import logging

from ha.warden import answers, patience
from ha.warden.answers import Answer, Known
from ha.warden.board import Board
from ha.warden.clock import now_s
from ha.warden.settings import Settings

_log = logging.getLogger(__name__)


class Judge:
    """Judges from what the watches know; asked by many threads."""

    def __init__(self, settings: Settings, board: Board) -> None:
        self._settings = settings
        self._board = board
        self._took_writes: bool | None = None

    def known(self) -> Known:
        """Return what is known now."""
        board = self._board
        return Known(
            me=self._settings.host,
            now_s=now_s(),
            postgres=board.postgres,
            canary=board.canary,
            patroni=board.patroni,
            host=board.host,
            store=board.store,
            is_isolated="self_fence" in self._settings.features
            and board.isolated_s > patience.ISOLATED_S,
        )

    def primary(self) -> Answer:
        """Judge if writes should be sent here."""
        return answers.primary(self.known())

    def primary_soon(self, wait_s: float) -> Answer:
        """Judge as `primary`; wait for a no to become a yes."""
        deadline_s = now_s() + wait_s
        answer = self.primary()
        while not answer.is_yes and (left_s := deadline_s - now_s()) > 0:
            with self._board.news:
                self._board.news.wait(left_s)
            answer = self.primary()
        return answer

    def replica(self, lag_max_bytes: int) -> Answer:
        """Judge if reads should be sent here."""
        return answers.replica(self.known(), lag_max_bytes=lag_max_bytes)

    def leads(self, host: str) -> Answer:
        """Judge if another host leads, for whoever cannot hear its own warden."""
        return answers.leads(self.known(), host)

    def word(self) -> Answer:
        """Judge if PostgreSQL may be started here: what this host has promised, it keeps."""
        if self._board.is_true_to_word:
            return Answer(is_yes=True, why="what this host has promised, it keeps")
        return Answer(is_yes=False, why="what this host has promised is not known, or not kept yet")

    def outvoted(self, host: str) -> Answer:
        """Judge if a verdict has ended the leadership of `host`: what it says binds nobody."""
        if host and host == self._board.outvoted:
            return Answer(is_yes=True, why=f"a verdict has ended the leadership of {host}")
        return Answer(is_yes=False, why="no verdict that this host had a part in has ended it")

    def say_if_changed(self) -> None:
        """Log that writes may, or may not any more, be sent here; wake whoever waits for it."""
        answer = self.primary()
        if answer.is_yes == self._took_writes:
            return
        self._took_writes = answer.is_yes
        self._board.tell()
        _log.info("Writes may %sbe sent here: %s.", "" if answer.is_yes else "not ", answer.why)
