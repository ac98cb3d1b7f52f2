"""Consistency tokens: what a client sends back so as to read no less than it was told."""

from __future__ import annotations

from collections.abc import Mapping

TOKEN_HEADER = "Consistency-Token"  # noqa: S105  # a header's name


class ConsistencyTokens:
    """
    The newest token of each account that its client was given; the service may give none.

    Tokens compare as text: the service says so in its documentation.
    """

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}

    def keep(self, account_no: str, token: str | None) -> None:
        """Remember the token of an answer unless a newer one is known: answers overtake."""
        if token is not None and token > self._newest.get(account_no, ""):
            self._newest[account_no] = token

    def headers(self, account_no: str) -> Mapping[str, str]:
        """Return what to send along with a read of the account."""
        known = self._newest.get(account_no)
        return {TOKEN_HEADER: known} if known else {}
