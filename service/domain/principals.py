"""The people that call the service, as programs or in person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.domain.errors import Conflict, Invalid, Missing


class Role(StrEnum):
    """What a principal is at the utility; `permissions` says what each may do."""

    HEAD_OFFICE = "head_office"
    BILLING_OFFICER = "billing_officer"
    HALL_CLERK = "hall_clerk"
    READER = "reader"
    CHANNEL = "channel"
    AUDITOR = "auditor"
    DATA_MIGRATOR = "data_migrator"
    ADMINISTRATOR = "administrator"


class RoleUnknown(Invalid):
    """The utility has no such role."""

    code = "ROLE_UNKNOWN"
    hint = f"Use one of {', '.join(Role)}."


class PrincipalUnknown(Missing):
    """No principal has this name."""

    code = "PRINCIPAL_UNKNOWN"
    hint = "Check the name, or add the principal first."


class PrincipalDiffers(Conflict):
    """The name belongs to a principal of another role or bureau."""

    code = "PRINCIPAL_DIFFERS"
    hint = "Use another name: a principal's role and bureau never change."


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    The principal behind a token; `bureau_id` is None for one that serves every bureau.

    `limited_to` is what of its role the token stands for, None for all of it. `session_id` is what
    a person called within, None for a program.
    """

    principal_id: int
    name: str
    role: str
    bureau_id: int | None
    limited_to: frozenset[str] | None = None
    session_id: str | None = None

    @property
    def scope(self) -> str:
        """The bureaus that row-level security lets the caller see: one number, or `*` for all."""
        return "*" if self.bureau_id is None else str(self.bureau_id)


def checked_role(text: str) -> Role:
    """
    Return the role called `text`.

    :raises RoleUnknown: if there is none
    """
    try:
        return Role(text)
    except ValueError as error:
        raise RoleUnknown(f"no role {text!r}") from error
