"""HTTP for readings."""

from __future__ import annotations

from typing import Annotated

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.trials import RegisterName
from service.api.validation import Moment
from service.domain.reading_batches import BATCH_MAX
from service.domain.readings import NewReading
from service.usecases.readings import post_readings

# The domain judges the length, with a code of its own; the description only says it.
_LENGTH = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": BATCH_MAX})
_EXAMPLE = {
    "readings": [
        {
            "account_no": "1000000005",
            "register": "1234.5",
            "read_at": "2026-03-31T10:00:00+08:00",
            "source": "manual",
            "is_roll_over_confirmed": False,
        }
    ]
}


class ReadingSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a meter showed; `is_roll_over_confirmed` says a person saw a register pass zero.

    `register` is that of all energy. A meter may have others: of periods of the day, of reactive
    energy, of demand. `periods` names them, each with what it showed.
    """

    account_no: str
    register: str
    read_at: Moment
    source: str
    is_roll_over_confirmed: bool = False
    periods: dict[RegisterName, str] = {}


class ReadingsSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Readings to record; each is accepted or refused by itself."""

    readings: Annotated[list[ReadingSent], _LENGTH]


class Oddity(msgspec.Struct, frozen=True):
    """What is odd about a reading that was taken: no run bills it until somebody accepts it."""

    kind: str
    detail: str


class ItemAccepted(msgspec.Struct, frozen=True, tag_field="status", tag="accepted"):
    """
    A reading that was taken; `rolled_over` says that the register began again before it.

    `findings` are what a bill run would ask another hand about, told of what persons read
    (`manual`, `customer`): look again while you are there. If it was misread, ask for a correction.
    """

    item: int
    account_no: str
    rolled_over: bool
    findings: list[Oddity]


class ItemRefused(msgspec.Struct, frozen=True, tag_field="status", tag="refused"):
    """A reading that was not taken."""

    item: int
    account_no: str
    code: str
    detail: str
    hint: str


class ReadingsAnswered(msgspec.Struct, frozen=True):
    """
    What became of a batch, with a result for every item, in its order and counted from 1.

    Of a file `item` is the line, the first of which names the columns.
    """

    accepted: int
    refused: int
    results: list[ItemAccepted | ItemRefused]


_BODY = JsonBody(ReadingsSent)


class Readings(Resource):
    """`/v1/readings`"""

    @promises(
        Operation(
            summary="Record readings; every item is accepted or refused by itself.",
            permission="readings.post",
            body=ReadingsSent,
            example=_EXAMPLE,
            answer=ReadingsAnswered,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Record readings."""
        once, sent = _BODY.read(req)
        answer = post_readings(
            database=req.database,
            caller=req.caller,
            once=once,
            readings=msgspec.convert(sent.readings, list[NewReading], from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
