"""The kinds of refusal, of which each module of the domain makes its own beside the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FaultyField:
    """One field of what was sent, by its path (`meter.digits`), with what is wrong about it."""

    path: str
    detail: str


class Refusal(Exception):
    """A rule of the business said no; the message says which, the hint says what to do next."""

    code: ClassVar[str]
    hint: ClassVar[str] = ""

    def __init__(self, detail: str, *, fields: tuple[FaultyField, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields

    @property
    def detail(self) -> str:
        """What happened, lower case, with the values."""
        return str(self.args[0])


class Invalid(Refusal):
    """What was asked is malformed or breaks a rule of metering, pricing or billing."""


class Missing(Refusal):
    """What was asked about does not exist, or belongs to another bureau."""


class Conflict(Refusal):
    """What was asked contradicts what is already recorded."""


class Forbidden(Refusal):
    """The caller is known, but may not do this."""


class Throttled(Refusal):
    """The caller has tried too often; it may try again after `wait_s` seconds."""

    def __init__(self, detail: str, *, wait_s: int) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Busy(Refusal):
    """It cannot be done now; the same request may be sent again."""
