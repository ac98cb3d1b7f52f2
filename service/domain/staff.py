"""The utility's staff: people who sign in by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from service.domain import passwords
from service.domain.bureaus import BureauUnknown
from service.domain.errors import Conflict, Forbidden, Invalid, Missing
from service.domain.principals import Caller, Role

_USER_NAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")


class UserNameRefused(Invalid):
    """A user name is one that not every keyboard has, or every log shows alike."""

    code = "USER_NAME_REFUSED"
    hint = "Use 3 to 32 lower-case letters, digits, '.', '_' or '-', a letter first."


class UserNameTaken(Conflict):
    """Another person or program has this name."""

    code = "USER_NAME_TAKEN"
    hint = "Use another name, the person's number behind it for example."


class ProofMissing(Invalid):
    """Somebody is to be added who could never prove who they are."""

    code = "PROOF_MISSING"
    hint = "Send a first password, or the oidc_subject by which the issuer knows them."


class StaffUnknown(Missing):
    """Nobody whom the caller may see has this user name."""

    code = "STAFF_UNKNOWN"
    hint = "Check the user name; a bureau's administrator sees its own staff only."


class StaffOwn(Forbidden):
    """An administrator asked for something that another one must do to them."""

    code = "STAFF_OWN"
    hint = "Ask another administrator; your own password you change with the one you have."


class AppointmentForbidden(Forbidden):
    """A bureau's administrator named another administrator."""

    code = "APPOINTMENT_FORBIDDEN"
    hint = "Administrators are named by those who serve every bureau."


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """A person who signs in; `bureau` is null for one who serves every bureau."""

    user_name: str
    full_name: str
    role: str
    bureau: int | None
    created_at: datetime
    locked_at: datetime | None
    must_change_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPage:
    """A part of the list of staff, in the order of their user names."""

    items: list[StaffMember]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who is to be added; without a `password` the issuer alone can vouch for them."""

    user_name: str
    full_name: str
    role: Role
    bureau: int | None
    oidc_subject: str | None
    password: str | None = field(repr=False)


def check_new(new: NewStaff, *, by: Caller) -> None:
    """
    Let `new` pass if `by` may add them.

    :raises UserNameRefused: if the name is not one to type
    :raises ProofMissing: if nothing could prove who they are
    :raises PasswordTooShort: if the password is too short, or too long
    :raises PasswordGuessable: if it is easily guessed
    :raises BureauUnknown: if it is not a bureau of `by`
    :raises AppointmentForbidden: if a bureau's administrator names another
    """
    check_person(new)
    if by.bureau_id is not None and new.bureau != by.bureau_id:
        raise BureauUnknown(f"bureau {new.bureau} is not yours")
    if by.bureau_id is not None and new.role is Role.ADMINISTRATOR:
        raise AppointmentForbidden(f"{by.name} serves bureau {by.bureau_id} alone")


def check_person(new: NewStaff) -> None:
    """
    Let somebody pass who can type their name, then prove that it is theirs.

    :raises UserNameRefused: if the name is not one to type
    :raises ProofMissing: if nothing could prove who they are
    :raises PasswordTooShort: if the password is too short, or too long
    :raises PasswordGuessable: if it is easily guessed
    """
    length = len(new.user_name)
    if not _USER_NAME.fullmatch(new.user_name):
        raise UserNameRefused(f"the user name has {length} characters, or others than these")
    if new.password is None and new.oidc_subject is None:
        raise ProofMissing(f"{new.user_name} has neither a password nor an oidc_subject")
    if new.password is not None:
        passwords.check(new.password, user_name=new.user_name)


def check_other(user_name: str, *, by: Caller) -> None:
    """
    Let an administrator pass who acts on somebody else.

    :raises StaffOwn: if it is themselves
    """
    if user_name == by.name:
        raise StaffOwn(f"{by.name} is yourself")
