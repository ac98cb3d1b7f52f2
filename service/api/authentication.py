"""Who is calling: the token in a request's header, looked up before its responder runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from service.api.requests import Request, Response
from service.domain import tokens
from service.domain.access_tokens import Keys
from service.domain.errors import Busy
from service.domain.principals import Caller
from service.store.database import Database
from service.store.sessions import Session
from service.usecases.principals import caller_by_token, issued_token, note_use
from service.usecases.sign_ins import caller_in_session

# Tells the edge whose token it was: it counts requests by principal. Clients never see it. The same
# in ha/limits.py.
HEADER = "Evergrid-Principal"
# A revoked token passes this long at most. Long enough that a busy caller is looked up once in
# hundreds of requests.
CACHE_S = 5.0
# The primary is given this long to say who wants to read; longer, and reads would stall with it.
PATIENCE_S = 0.25
# While commits stall, uses are left unnoted this long: one caller in a minute waits in vain.
UNNOTED_S = 60.0
# Reading needs no primary, so knowing who reads must not either.
_READS = frozenset({"GET", "HEAD"})
# Far more callers than one process serves within `CACHE_S`.
CACHED_MAX = 10_000


class Authentication:
    """
    Middleware: sets the caller of each request, except on resources that say `is_public`.

    The primary is asked, because a replica may not know yet that a token was revoked. While there
    is none nobody can revoke one either: then a replica may say who reads, each time anew.

    Only tokens found valid are remembered, by their fingerprint, so that nobody can fill the memory
    with guesses.
    """

    def __init__(self, *, database: Database, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._unnoted_until = 0.0

    def process_resource(
        self, req: Request, _resp: Response, resource: object, _params: dict[str, object]
    ) -> None:
        """
        Find out who is calling.

        :raises Unauthenticated: if it is nobody we know
        """
        if not getattr(resource, "is_public", False):
            is_reading = req.method in _READS
            req.principal = self._caller(
                tokens.bearer(req.auth), is_reading=is_reading, deadline=req.deadline
            )

    def process_response(
        self, req: Request, resp: Response, _resource: object, _is_answered: object
    ) -> None:
        """Tell the edge who it was."""
        if req.principal is not None:
            resp.set_header(HEADER, told(req.principal))

    def _caller(self, token: str, *, is_reading: bool, deadline: float) -> Caller:
        fingerprint = tokens.fingerprint(token)
        known, good_until = self._known.get(fingerprint, (None, 0.0))
        if known is not None and time.monotonic() < good_until:
            return known
        if is_reading and self._database.is_away:
            return self._looked_up(Session(self._database), token, deadline)
        patient_until = min(deadline, time.monotonic() + PATIENCE_S)
        try:
            caller = self._on_primary(token, patient_until if is_reading else deadline)
        except Busy:
            if not is_reading:
                raise
            return self._looked_up(Session(self._database), token, deadline)
        # Who must change a password may do more the moment it is changed.
        if caller.session_id is None or caller.limited_to is None:
            self._remember(fingerprint, caller)
        return caller

    def _looked_up(self, database: Database, token: str, deadline: float) -> Caller:
        now = self._clock()
        if tokens.is_signed(token):
            return caller_in_session(
                database=database, keys=self._keys, token=token, now=now, deadline=deadline
            )
        return caller_by_token(database=database, token=token, now=now, deadline=deadline)

    def _on_primary(self, token: str, deadline: float) -> Caller:
        if tokens.is_signed(token):
            return self._looked_up(self._database, token, deadline)
        found = issued_token(database=self._database, token=token, deadline=deadline)
        now = self._clock()
        caller = tokens.caller_of(found, now=now)
        if found is not None and found.is_use_due(now=now):
            self._note_use(token, now)
        return caller

    def _note_use(self, token: str, now: datetime) -> None:
        """Note a use if that takes but a moment: no caller waits for a commit that stalls."""
        began = time.monotonic()
        if began < self._unnoted_until:
            return
        try:
            note_use(database=self._database, token=token, now=now, deadline=began + PATIENCE_S)
        except Busy:
            self._unnoted_until = began + UNNOTED_S

    def _remember(self, fingerprint: bytes, caller: Caller) -> None:
        self._known.pop(fingerprint, None)  # what is put back goes to the end
        if len(self._known) >= CACHED_MAX:
            del self._known[next(iter(self._known))]
        self._known[fingerprint] = (caller, time.monotonic() + CACHE_S)


@lru_cache(CACHED_MAX)
def told(caller: Caller) -> str:
    """Return the number, the role, the name of a caller in one header, whatever the name is."""
    return f"{caller.principal_id};{caller.role};{quote(caller.name, safe='')}"
