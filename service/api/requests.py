"""The request as every responder receives it."""

from __future__ import annotations

import falcon

from service.domain.principals import Caller


class Request(falcon.Request):
    """
    A falcon request with what the middleware found out about it.

    `began` and `deadline` are `time.monotonic` values: when it arrived, and when it must have been
    answered. `principal` stays None on the public resources.
    """

    request_id: str
    began: float
    deadline: float
    principal: Caller | None = None

    @property
    def caller(self) -> Caller:
        """Whoever sent it, on a resource that is not public."""
        assert self.principal is not None, "a public resource has no caller"
        return self.principal


class Response(falcon.Response):
    """A falcon response under our own name, so that responders speak of one pair of types."""
