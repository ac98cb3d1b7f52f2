"""REST: calls of the small JSON services beside each PostgreSQL, warden or Patroni."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any, ClassVar

from ha.identity import Identity

_UNREADABLE = (OSError, http.client.HTTPException, json.JSONDecodeError)
# Patroni's REST API and the warden know one name, with one password (templates/patroni.yml.j2).
USER = "patroni"


class RestSilent(Exception):
    """The service does not answer."""


class Rest:
    """One service; every call is a connection of its own, so that a dead one costs nothing."""

    OK: ClassVar[int] = 200

    def __init__(self, address: str, port: int, password: str, *, identity: Identity) -> None:
        self._headers = {
            "Authorization": credentials(password),
            "Content-Type": "application/json",
        }
        self._where = (address, port)
        self._identity = identity

    def get(self, path: str, *, within_s: float) -> tuple[int, Any]:
        """
        Return the status with the answer: JSON decoded, all else as text.

        :raises RestSilent: if there is none
        """
        return self.call("GET", path, within_s=within_s)

    def post(self, path: str, body: object = None, *, within_s: float) -> tuple[int, Any]:
        """
        Return the status with the answer, as `get` does.

        :raises RestSilent: if there is none
        """
        return self.call("POST", path, body, within_s=within_s)

    def call(
        self, method: str, path: str, body: object = None, *, within_s: float
    ) -> tuple[int, Any]:
        """
        Return the status with the answer, as `get` does.

        :raises RestSilent: if there is none
        """
        try:
            connection = http.client.HTTPSConnection(
                *self._where, timeout=within_s, context=self._identity.calling()
            )
        except OSError as error:
            raise RestSilent(f"this program has no certificate to show: {error}") from error
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, self._headers)
            response = connection.getresponse()
            raw = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(raw) if is_json else raw.decode(errors="replace")
        except _UNREADABLE as error:
            where = "{}:{}".format(*self._where)
            raise RestSilent(f"{where}{path}: {error or type(error).__name__}") from error
        finally:
            connection.close()


def credentials(password: str) -> str:
    """Return the header by which a caller proves that it may change something (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
