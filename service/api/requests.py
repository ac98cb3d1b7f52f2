"""The request as every responder receives it."""

from __future__ import annotations

from typing import Any

import falcon

from service.domain.principals import Caller
from service.store.database import Database
from service.store.sessions import Session


class Request(falcon.Request):
    """
    A falcon request with what the middleware found out about it.

    `began` and `deadline` are `time.monotonic` values: when it arrived, and when it must have been
    answered. `principal` and `session` stay None on the public resources.
    """

    request_id: str
    began: float
    deadline: float
    principal: Caller | None = None
    session: Session | None = None

    def __init__(self, env: dict[str, Any], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        # falcon keeps this word for itself: it would refuse the request before any middleware has
        # named it. In another case it is a method like any other that nobody knows.
        if self.method == "WEBSOCKET":
            self.method = self.method.lower()

    @property
    def caller(self) -> Caller:
        """Whoever sent it, on a resource that is not public."""
        assert self.principal is not None, "a public resource has no caller"
        return self.principal

    @property
    def database(self) -> Database:
        """The database as its sender has seen it, on a resource that is not public."""
        assert self.session is not None, "a public resource has no session"
        return self.session


class Response(falcon.Response):
    """A falcon response under our own name, so that responders speak of one pair of types."""
