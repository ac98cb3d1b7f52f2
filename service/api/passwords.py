"""HTTP for one's own password."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.metrics import sign_in_counted
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.sign_in import IdentityResource, Secret, address_of
from service.domain.sign_ins import PasswordChanged
from service.usecases.passwords import PasswordChange, change_password


class PasswordChangeSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password that the caller has, the one they want."""

    current_password: Secret
    new_password: Secret


_BODY = JsonBody(PasswordChangeSent)


class PasswordChanges(IdentityResource):
    """`/v1/password-changes`"""

    @promises(
        Operation(
            summary="Change one's own password; every other session of one's own ends.",
            permission="passwords.change",
            body=PasswordChangeSent,
            example={"current_password": "given by the office", "new_password": "mine, nobody's"},
            answer=PasswordChanged,
            refused=(HTTPStatus.TOO_MANY_REQUESTS,),
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Change it."""
        once, sent = _BODY.read(req, keys=self._identity.keys)
        with sign_in_counted("password_change"):
            answer = change_password(
                database=req.database,
                caller=req.caller,
                identity=self._identity,
                once=once,
                asked=PasswordChange(
                    current=sent.current_password,
                    new=sent.new_password,
                    address=address_of(req),
                ),
                now=self._clock(),
                deadline=req.deadline,
            )
        answers.given(resp, answer)
