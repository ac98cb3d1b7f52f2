"""Patroni: its REST API on this host, as far as the warden needs it."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

from ha.warden import patience

_OK = 200
_UNREADABLE = (OSError, http.client.HTTPException, json.JSONDecodeError)


class PatroniSilent(Exception):
    """Patroni does not answer."""


class PatroniRefused(Exception):
    """Patroni answered that it will not."""


class Rest:
    """Patroni's REST API; every call is a connection of its own, so that a dead one costs nothing."""

    def __init__(self, address: str, port: int, *, user: str, password: str) -> None:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        self._where = (address, port)

    def has_lock(self) -> bool:
        """
        Ask if this Patroni holds the leader's key (that is all its GET /primary says).

        :raises PatroniSilent: if there is no answer
        """
        return self._call("GET", "/primary")[0] == _OK

    def wake(self) -> None:
        """
        Let the next turn of its loop begin now.

        A PATCH of the configuration does so even if it changes nothing, as taking away what is not
        there (patroni/api.py, do_PATCH_config).
        :raises PatroniSilent: if there is no answer
        """
        self._call("PATCH", "/config", {"warden": None})

    def switch_over(self, leader: str, *, within_s: float) -> None:
        """
        Let the leader hand over to whichever replica is best.

        :raises PatroniSilent: if there is no answer
        :raises PatroniRefused: with its reason, if it does not
        """
        status, answer = self._call("POST", "/switchover", {"leader": leader}, within_s=within_s)
        if status != _OK:
            raise PatroniRefused(f"{status}: {answer}")

    def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        within_s: float = patience.PATRONI_ANSWER_S,
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self._where, timeout=within_s)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, self._headers)
            response = connection.getresponse()
            raw = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(raw) if is_json else raw.decode(errors="replace")
        except _UNREADABLE as error:
            raise PatroniSilent(str(error) or type(error).__name__) from error
        finally:
            connection.close()
