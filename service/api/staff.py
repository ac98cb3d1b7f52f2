"""HTTP for the staff."""

from __future__ import annotations

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.sign_in import IdentityResource, Nothing, Secret
from service.api.validation import BureauNumber, Page, Text, parameters
from service.domain.principals import checked_role
from service.domain.staff import NewStaff, StaffMember, StaffPage
from service.usecases.staff import (
    add_staff,
    list_staff,
    lock_staff,
    reset_password,
    staff_by_name,
    unlock_staff,
)


class StaffSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is added; without a `bureau` to all of them. `oidc_subject` is whom the issuer names."""

    user_name: Text
    full_name: Text
    role: Text
    password: Secret | None = None
    bureau: BureauNumber | None = None
    oidc_subject: Text | None = None


class PasswordSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password that its owner must change at the next sign-in."""

    password: Secret


_STAFF, _PASSWORD, _NOTHING = JsonBody(StaffSent), JsonBody(PasswordSent), JsonBody(Nothing)


class Staff(IdentityResource):
    """`/v1/staff`"""

    @promises(
        Operation(
            summary="List the staff, by user name.",
            permission="staff.read",
            query=Page,
            answer=StaffPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = list_staff(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Add a person, with a first password that they must change.",
            permission="staff.manage",
            body=StaffSent,
            example={
                "user_name": "li.ming",
                "full_name": "李明",
                "role": "hall_clerk",
                "bureau": 1,
                "password": "first of many words",
            },
            answer=StaffMember,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Add."""
        once, sent = _STAFF.read(req, keys=self._identity.keys)
        answer = add_staff(
            database=req.database,
            caller=req.caller,
            hashing=self._identity.hashing,
            once=once,
            new=_new(sent),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class StaffByName(IdentityResource):
    """`/v1/staff/{user_name}`"""

    @promises(Operation(summary="Read one person.", permission="staff.read", answer=StaffMember))
    def on_get(self, req: Request, resp: Response, user_name: str) -> None:
        """Read."""
        member = staff_by_name(
            database=req.database, caller=req.caller, user_name=user_name, deadline=req.deadline
        )
        answers.found(req, resp, member)


class StaffLocks(IdentityResource):
    """`/v1/staff/{user_name}/locks`"""

    @promises(
        Operation(
            summary="Lock a person out; every session of theirs ends.",
            permission="staff.manage",
            body=Nothing,
            example={},
            answer=StaffMember,
        )
    )
    def on_post(self, req: Request, resp: Response, user_name: str) -> None:
        """Lock."""
        once, _ = _NOTHING.read(req)
        answer = lock_staff(
            database=req.database,
            caller=req.caller,
            once=once,
            user_name=user_name,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class StaffUnlocks(IdentityResource):
    """`/v1/staff/{user_name}/unlocks`"""

    @promises(
        Operation(
            summary="Let a person in again, whoever or whatever locked them out.",
            permission="staff.manage",
            body=Nothing,
            example={},
            answer=StaffMember,
        )
    )
    def on_post(self, req: Request, resp: Response, user_name: str) -> None:
        """Unlock."""
        once, _ = _NOTHING.read(req)
        answer = unlock_staff(
            database=req.database,
            caller=req.caller,
            keys=self._identity.keys,
            once=once,
            user_name=user_name,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class PasswordResets(IdentityResource):
    """`/v1/staff/{user_name}/password-resets`"""

    @promises(
        Operation(
            summary="Give a person a password that they must change; their sessions end.",
            permission="staff.manage",
            body=PasswordSent,
            example={"password": "first of many words"},
            answer=StaffMember,
        )
    )
    def on_post(self, req: Request, resp: Response, user_name: str) -> None:
        """Reset."""
        once, sent = _PASSWORD.read(req, keys=self._identity.keys)
        answer = reset_password(
            database=req.database,
            caller=req.caller,
            hashing=self._identity.hashing,
            once=once,
            user_name=user_name,
            password=sent.password,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


def _new(sent: StaffSent) -> NewStaff:
    return NewStaff(
        user_name=sent.user_name,
        full_name=sent.full_name,
        role=checked_role(sent.role),
        bureau=sent.bureau,
        oidc_subject=sent.oidc_subject,
        password=sent.password,
    )
