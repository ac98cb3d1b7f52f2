"""Whether this process lives, whether it can do its work, which version it is."""

from __future__ import annotations

import time

import msgspec

from service.api.answers import encode
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.store.database import Database
from service.usecases.readiness import Readiness, readiness

# Who asks wants to know now; a failover takes longer and is what the answer should then say.
_READY_WITHIN_S = 1.0


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    alive: bool


class Version(msgspec.Struct, frozen=True):
    """Which release answers, on which host."""

    version: str
    host: str


class Live:
    """`/live`"""

    is_public = True
    _body = encode(Alive(alive=True))

    @promises(Operation(summary="Ask if the process lives.", permission=None, answer=Alive))
    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer, touching nothing: a lost database is no reason to end this process."""
        resp.data = self._body


class Ready:
    """`/ready`"""

    is_public = True

    def __init__(self, *, database: Database) -> None:
        self._database = database

    @promises(
        Operation(
            summary="Ask if payments can be taken and accounts be read now.",
            permission=None,
            answer=Readiness,
        )
    )
    def on_get(self, _req: Request, resp: Response) -> None:
        """Try both."""
        found = readiness(database=self._database, deadline=time.monotonic() + _READY_WITHIN_S)
        resp.status = _STATUS[found.is_ready]
        resp.data = encode(found)


_STATUS = {True: 200, False: 503}


class ThisVersion:
    """`/version`"""

    is_public = True

    def __init__(self, *, version: str, host: str) -> None:
        self._body = encode(Version(version=version, host=host))

    @promises(Operation(summary="Ask for the release.", permission=None, answer=Version))
    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer what was read when the process started."""
        resp.data = self._body
