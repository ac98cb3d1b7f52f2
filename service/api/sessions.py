"""HTTP for sessions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec

from service.api import answers, bodies
from service.api.bodies import JsonBody
from service.api.metrics import sign_in_counted
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.sign_in import IdentityResource, Nothing, Secret, address_of
from service.api.validation import Text
from service.domain.sign_ins import Renewed, SignedIn, SignedOut
from service.usecases.sessions import renew, sign_out
from service.usecases.sign_ins import SignIn, sign_in, sign_in_by_issuer

_IdToken = Annotated[str, msgspec.Meta(min_length=1, max_length=8_192)]
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class SignInSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs in, with what proves it."""

    user_name: Text
    password: Secret


class IdTokenSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the issuer gave whoever signs in; the nonce that was sent there, if any."""

    id_token: _IdToken
    nonce: Text | None = None


_SIGN_IN, _ID_TOKEN, _NOTHING = JsonBody(SignInSent), JsonBody(IdTokenSent), JsonBody(Nothing)


class Sessions(IdentityResource):
    """`/v1/sessions`"""

    is_public = True

    @promises(
        Operation(
            summary="Sign in with a password; call with the token, renew it before it expires.",
            permission=None,
            body=SignInSent,
            example={"user_name": "li.ming", "password": "what only Li Ming knows"},
            answer=SignedIn,
            status=201,
            refused=_REFUSED,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Sign in."""
        once, sent = _SIGN_IN.read(req)
        with sign_in_counted("password"):
            signed_in = sign_in(
                database=self._database,
                identity=self._identity,
                asked=SignIn(
                    user_name=sent.user_name,
                    password=sent.password,
                    address=address_of(req),
                    key=once.key,
                ),
                now=self._clock(),
                deadline=req.deadline,
            )
        answers.made(resp, signed_in, status=201)


class IssuerSessions(IdentityResource):
    """`/v1/sessions/oidc`"""

    is_public = True

    @promises(
        Operation(
            summary="Sign in with an ID token of the configured OpenID Connect issuer.",
            permission=None,
            body=IdTokenSent,
            example={"id_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.c2ln", "nonce": "n-0S6"},
            answer=SignedIn,
            status=201,
            refused=(*_REFUSED, HTTPStatus.NOT_FOUND),
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Sign in."""
        once, sent = _ID_TOKEN.read(req)
        with sign_in_counted("issuer"):
            signed_in = sign_in_by_issuer(
                database=self._database,
                identity=self._identity,
                id_token=sent.id_token,
                nonce=sent.nonce,
                address=address_of(req),
                key=once.key,
                now=self._clock(),
                deadline=req.deadline,
            )
        answers.made(resp, signed_in, status=201)


class CurrentSession(IdentityResource):
    """`/v1/sessions/current`"""

    @promises(
        Operation(
            summary="Sign out: end the session that the request is made in.",
            permission="sessions.end",
            answer=SignedOut,
        )
    )
    def on_delete(self, req: Request, resp: Response) -> None:
        """Sign out."""
        answer = sign_out(
            database=req.database,
            caller=req.caller,
            once=bodies.once(req, b""),
            address=address_of(req),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class Renewals(IdentityResource):
    """`/v1/sessions/current/renewals`"""

    @promises(
        Operation(
            summary="Get the next access token of the session, while the last one is good.",
            permission="sessions.renew",
            body=Nothing,
            example={},
            answer=Renewed,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Renew."""
        _NOTHING.read(req)
        renewed = renew(
            database=req.database,
            caller=req.caller,
            keys=self._identity.keys,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.made(resp, renewed, status=201)
