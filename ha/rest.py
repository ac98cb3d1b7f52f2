"""REST: calls of the small JSON services beside each PostgreSQL, warden or Patroni."""

from __future__ import annotations

import base64
import http.client
import json
import select
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
        connection = self._connection(within_s)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, self._headers)
            response = connection.getresponse()
            raw = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(raw) if is_json else raw.decode(errors="replace")
        except _UNREADABLE as error:
            connection.close()
            where = "{}:{}".format(*self._where)
            raise RestSilent(f"{where}{path}: {error or type(error).__name__}") from error
        finally:
            self._let_go(connection)

    def _connection(self, within_s: float) -> http.client.HTTPSConnection:
        try:
            return http.client.HTTPSConnection(
                *self._where, timeout=within_s, context=self._identity.calling()
            )
        except OSError as error:
            raise RestSilent(f"this program has no certificate to show: {error}") from error

    def _let_go(self, connection: http.client.HTTPSConnection) -> None:
        connection.close()


class Staying(Rest):
    """
    One service over one connection, as long as that lives: for who asks many times a second.

    A handshake costs both sides milliseconds: a switchover that looked for the new primary twenty
    times a second, at three hosts, took a tenth of both cores for it, just when all wait.
    """

    def __init__(self, address: str, port: int, password: str, *, identity: Identity) -> None:
        super().__init__(address, port, password, identity=identity)
        self._kept: http.client.HTTPSConnection | None = None

    def post(self, path: str, body: object = None, *, within_s: float) -> tuple[int, Any]:
        """
        Return the status with the answer, over a connection of its own, which a warden ends.

        :raises RestSilent: if there is none
        """
        self._forget()
        try:
            return super().post(path, body, within_s=within_s)
        finally:
            self._forget()

    def get(self, path: str, *, within_s: float) -> tuple[int, Any]:
        """
        Return the status with the answer, as any `Rest` does.

        :raises RestSilent: if there is none, also over a fresh connection
        """
        was_kept = self._kept is not None
        try:
            return super().get(path, within_s=within_s)
        except RestSilent:
            if not was_kept:
                raise
        return super().get(path, within_s=within_s)  # it may just have ended, as idle ones do

    def _forget(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _connection(self, within_s: float) -> http.client.HTTPSConnection:
        kept, self._kept = self._kept, None
        if kept is None:
            return super()._connection(within_s)
        if select.select([kept.sock], [], [], 0)[0]:  # it has ended, or says what nobody asked
            kept.close()
            return super()._connection(within_s)
        kept.sock.settimeout(within_s)
        return kept

    def _let_go(self, connection: http.client.HTTPSConnection) -> None:
        self._kept = connection if connection.sock is not None else None


def credentials(password: str) -> str:
    """Return the header by which a caller proves that it may change something (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
