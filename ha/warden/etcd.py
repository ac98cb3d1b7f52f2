"""etcd: the store of the elections, through the JSON gateway that Patroni speaks to as well."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from ha.identity import Identity
from ha.warden import patience

_UNREADABLE = (OSError, http.client.HTTPException, json.JSONDecodeError)
_OK = 200


class StoreSilent(Exception):
    """The member that was asked gave no answer; the next call asks another one."""


class StoreRefused(StoreSilent):
    """It answered, but not with what it was asked for; `code` is google.rpc.Code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Etcd:
    """
    One connection to a cluster of etcd, kept open; after a failure the next member is asked.

    Reads are linearizable: what a majority knows, never what one member believes.
    """

    def __init__(self, members: Sequence[str], *, identity: Identity, first: int = 0) -> None:
        """Take the members as "address:port"; start with number `first`, so that wardens differ."""
        turned = [*members[first % len(members) :], *members[: first % len(members)]]
        self._members = itertools.cycle(turned)
        self._identity = identity
        self._connection: http.client.HTTPSConnection | None = None

    def transact(
        self, compare: Iterable[dict[str, Any]], success: Iterable[dict[str, Any]]
    ) -> tuple[bool, list[dict[str, Any]]]:
        """
        Do everything in `success` if everything in `compare` holds, in one step of the store.

        :returns: whether it did, with an answer per operation
        :raises StoreSilent: if there is no answer; it may have happened
        """
        asked = {"compare": list(compare), "success": list(success)}
        answer = self.call("/v3/kv/txn", asked)
        return bool(answer.get("succeeded")), answer.get("responses", [])

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        Return the answer to one call.

        :raises StoreRefused: if it is an error
        :raises StoreSilent: if there is none
        """
        try:
            if self._connection is None:
                host, _, port = next(self._members).rpartition(":")
                self._connection = http.client.HTTPSConnection(
                    host,
                    int(port),
                    timeout=patience.STORE_ANSWER_S,
                    context=self._identity.calling(),
                )
            self._connection.request("POST", path, json.dumps(body))
            response = self._connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except _UNREADABLE as error:
            self._close()
            raise StoreSilent(f"{path}: {error or type(error).__name__}") from error
        if response.status != _OK:
            self._close()  # a member without a leader answers errors: another may do better
            raise StoreRefused(f"{path}: {response.status} {answer}", code=answer.get("code", 0))
        return answer

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def get(key: str, *, is_prefix: bool = False) -> dict[str, Any]:
    """Return the operation that reads a key, or all that begin with it."""
    asked = {"key": encoded(key)}
    if is_prefix:
        asked["range_end"] = encoded(key[:-1] + chr(ord(key[-1]) + 1))
    return {"request_range": asked}


def put(key: str, value: object, *, lease: int = 0) -> dict[str, Any]:
    """Return the operation that writes a key; with a lease it goes when that ends."""
    text = json.dumps(value, separators=(",", ":"))
    return {"request_put": {"key": encoded(key), "value": encoded(text), "lease": lease}}


def delete(key: str) -> dict[str, Any]:
    """Return the operation that removes a key, if it is there."""
    return {"request_delete_range": {"key": encoded(key)}}


def is_at(key: str, revision: int) -> dict[str, Any]:
    """Return the condition that a key was last written at `revision`; 0 means it is not there."""
    return {"key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def encoded(text: str) -> str:
    """Return `text` as the gateway wants its keys and values."""
    return base64.b64encode(text.encode()).decode()


def pairs(responses: Iterable[dict[str, Any]]) -> dict[str, tuple[str, int, int]]:
    """Return key to (value, revision, lease) of everything that the answers of reads hold."""
    found = {}
    for response in responses:
        for pair in response.get("response_range", {}).get("kvs", []):
            key = base64.b64decode(pair["key"]).decode()
            value = base64.b64decode(pair.get("value", "")).decode()
            found[key] = (value, int(pair["mod_revision"]), int(pair.get("lease", 0)))
    return found
