"""The utility's staff: people who sign in by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

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
    """Who is to be added; the password is changed at the first sign-in."""

    user_name: str
    full_name: str
    role: Role
    bureau: int | None
    oidc_subject: str | None


def check_new(new: NewStaff, *, by: Caller) -> None:
    """
    Let `new` pass if `by` may add them.

    :raises UserNameRefused: if the name is not one to type
    :raises BureauUnknown: if it is not a bureau of `by`
    :raises AppointmentForbidden: if a bureau's administrator names another
    """
    check_name(new.user_name)
    if by.bureau_id is not None and new.bureau != by.bureau_id:
        raise BureauUnknown(f"bureau {new.bureau} is not yours")
    if by.bureau_id is not None and new.role is Role.ADMINISTRATOR:
        raise AppointmentForbidden(f"{by.name} serves bureau {by.bureau_id} alone")


def check_name(user_name: str) -> None:
    """
    Let a user name pass that can be typed.

    :raises UserNameRefused: if it cannot
    """
    if not _USER_NAME.fullmatch(user_name):
        raise UserNameRefused(
            f"the user name has {len(user_name)} characters, or others than these"
        )


def check_other(user_name: str, *, by: Caller) -> None:
    """
    Let an administrator pass who acts on somebody else.

    :raises StaffOwn: if it is themselves
    """
    if user_name == by.name:
        raise StaffOwn(f"{by.name} is yourself")
