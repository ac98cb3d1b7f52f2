"""Consistency tokens: what a client sends back so as to read no less than it was told."""

from __future__ import annotations

from collections.abc import Mapping

TOKEN_HEADER = "Consistency-Token"  # noqa: S105  # a header's name


class ConsistencyTokens:
    """The newest token of each account that its client was given; the service may give none."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[tuple[int, ...], str]] = {}

    def keep(self, account_no: str, token: str | None) -> None:
        """Remember the token of an answer unless a newer one is known: answers overtake."""
        if token is None:
            return
        known = self._newest.get(account_no)
        if known is None or known[0] < _position(token):
            self._newest[account_no] = (_position(token), token)

    def headers(self, account_no: str) -> Mapping[str, str]:
        """Return what to send along with a read of the account."""
        known = self._newest.get(account_no)
        return {TOKEN_HEADER: known[1]} if known else {}


def _position(token: str) -> tuple[int, ...]:
    """Return the place in the WAL: the timeline, then the location's hexadecimal parts."""
    timeline, _, location = token.partition("/")
    return (int(timeline), *(int(part, 16) for part in location.split("/")))
