"""The Consistency-Token: what a client has seen, sent along so that it never sees less."""

from __future__ import annotations

from service.api.errors import Malformed
from service.api.requests import Request, Response
from service.domain.consistency import Position, parsed
from service.store.database import Database
from service.store.sessions import Session

HEADER = "Consistency-Token"


class ConsistencyTokenMalformed(Malformed):
    """A Consistency-Token is not one that we gave out."""

    code = "CONSISTENCY_TOKEN_MALFORMED"
    hint = "Send the greatest Consistency-Token that an answer carried, unchanged, or none."


class Consistency:
    """Middleware: gives each request of the business its session, each answer its token."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def process_resource(
        self, req: Request, _resp: Response, resource: object, _params: dict[str, object]
    ) -> None:
        """
        Begin the session after what the client has seen.

        :raises ConsistencyTokenMalformed: if it does not say so in our words
        """
        if not getattr(resource, "is_public", False):
            req.session = Session(self._database, after=_sent(req))

    def process_response(
        self, req: Request, resp: Response, _resource: object, _is_answered: object
    ) -> None:
        """Say what the client has seen now."""
        if req.session is not None and req.session.seen is not None:
            resp.set_header(HEADER, str(req.session.seen))


def _sent(req: Request) -> Position | None:
    text = req.env.get("HTTP_CONSISTENCY_TOKEN")
    if text is None:
        return None
    position = parsed(text)
    if position is None:
        raise ConsistencyTokenMalformed(f"the token is {text[:40]!r}")
    return position
