"""HTTP for readings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.validation import Moment
from service.domain.readings import BATCH_MAX, BatchReport, NewReading
from service.store.database import Database
from service.usecases.readings import post_readings

# The domain judges the length, with a code of its own; the description only says it.
_LENGTH = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": BATCH_MAX})
_EXAMPLE = {
    "readings": [
        {
            "account_no": "1000000006",
            "register": "1234.5",
            "read_at": "2026-03-31T10:00:00+08:00",
            "source": "manual",
            "is_roll_over_confirmed": False,
        }
    ]
}


class ReadingSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a meter's register showed; `is_roll_over_confirmed` says a person saw it pass zero."""

    account_no: str
    register: str
    read_at: Moment
    source: str
    is_roll_over_confirmed: bool = False


class ReadingsSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Readings to record; each is accepted or refused by itself."""

    readings: Annotated[list[ReadingSent], _LENGTH]


_BODY = JsonBody(ReadingsSent)


class Readings:
    """`/v1/readings`"""

    def __init__(self, *, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @promises(
        Operation(
            summary="Record readings; every item is accepted or refused by itself.",
            permission="readings.post",
            body=ReadingsSent,
            example=_EXAMPLE,
            answer=BatchReport,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Record readings."""
        once, sent = _BODY.read(req)
        answer = post_readings(
            database=self._database,
            caller=req.caller,
            once=once,
            readings=msgspec.convert(sent.readings, list[NewReading], from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
