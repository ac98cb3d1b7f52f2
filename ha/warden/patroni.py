"""Patroni: its REST API on this host, as far as the warden needs it."""

from __future__ import annotations

import logging

from ha.rest import Rest, RestSilent
from ha.warden import patience

_log = logging.getLogger(__name__)


class PatroniRefused(Exception):
    """Patroni answered that it will not."""


class Patroni:
    """
    The Patroni beside this warden.

    Every call raises `RestSilent` if it does not answer, but for `wakes`.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def has_lock(self) -> bool:
        """Ask if it holds the leader's key (that is all its GET /primary says)."""
        return self._rest.get("/primary", within_s=patience.PATRONI_ANSWER_S)[0] == Rest.OK

    def wake(self) -> None:
        """
        Let the next turn of its loop begin now.

        A PATCH of the configuration does so even if it changes nothing, as taking away what is not
        there (patroni/api.py, do_PATCH_config).
        """
        nothing = {"warden": None}
        self._rest.call("PATCH", "/config", nothing, within_s=patience.PATRONI_ANSWER_S)

    def wakes(self) -> bool:
        """Wake it as `wake` does; return False, and log why, if it does not answer."""
        try:
            self.wake()
        except RestSilent as silence:
            _log.warning("Patroni could not be woken: %s.", silence)
            return False
        return True

    def switch_over(self, leader: str, *, within_s: float) -> None:
        """
        Let the leader hand over to whichever replica is best.

        :raises PatroniRefused: with its reason, if it does not
        """
        status, answer = self._rest.post("/switchover", {"leader": leader}, within_s=within_s)
        if status != Rest.OK:
            raise PatroniRefused(f"{status}: {answer}")
