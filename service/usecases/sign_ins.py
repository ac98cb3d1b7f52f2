"""What the utility does when somebody signs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from service.domain import access_tokens, id_tokens, sign_ins
from service.domain.access_tokens import Keys
from service.domain.id_tokens import OidcOff
from service.domain.idempotency import KeyReused
from service.domain.lockouts import SignInDelayed
from service.domain.principals import Caller
from service.domain.sign_ins import SignedIn, SignInLocked, SignInRefused, StaffEvent
from service.store import sign_ins as store
from service.store import staff
from service.store.database import Database
from service.store.staff import Found
from service.store.transaction import Transaction
from service.usecases import attempts
from service.usecases.attempts import Attempt
from service.usecases.identity import Identity

# Before somebody has signed in there is no bureau to keep to.
_EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who wants to sign in; `password` proves it."""

    user_name: str
    password: str
    address: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """Whom a name belongs to, with what their password is compared with."""

    whom: Found | None
    password_hash: str | None
    delayed: SignInDelayed | None = None


def sign_in(
    *, database: Database, identity: Identity, asked: SignIn, now: datetime, deadline: float
) -> SignedIn:
    """
    Begin a session of whoever knows the password; the same one for the same key.

    Two transactions, because comparing takes longer than a connection should be held: one counts
    the attempt, the other records what became of it. Of what was typed nothing is kept.
    :raises SignInDelayed: if too many attempts failed in this name, or from this address
    :raises SignInRefused: if there is no such person, or this is not their password
    :raises SignInLocked: if it is, but an administrator has locked them out
    :raises KeyReused: if the key began a session before that is over
    """
    made = attempts.attempt(keys=identity.keys, user_name=asked.user_name, address=asked.address)
    meant = database.transaction(
        lambda transaction: _meant(transaction, asked=asked, made=made, now=now),
        scope=_EVERYWHERE,
        deadline=deadline,
    )
    if meant.delayed is not None:
        raise meant.delayed
    is_right = identity.hashing.is_right(asked.password, meant.password_hash)
    proof = _Proof(
        whom=meant.whom if is_right else None,
        meant=meant.whom,
        kind=StaffEvent.SIGNED_IN,
        address=asked.address,
        key=asked.key,
        made=made,
        password_hash=meant.password_hash,
    )
    return _concluded(database, proof, keys=identity.keys, now=now, deadline=deadline)


def sign_in_by_issuer(
    *,
    database: Database,
    identity: Identity,
    id_token: str,
    nonce: str | None,
    address: str,
    key: str,
    now: datetime,
    deadline: float,
) -> SignedIn:
    """
    Begin a session of whom the configured issuer speaks of; the same one for the same key.

    :raises OidcOff: if no issuer is configured
    :raises IdTokenRefused: if the token is not one of it, for us, in time
    :raises IssuerAway: if its keys cannot be had now
    :raises SignInRefused: if it speaks of nobody here
    :raises SignInLocked: if an administrator has locked them out
    :raises KeyReused: if the key began a session before that is over
    """
    if identity.issuer is None:
        raise OidcOff("no issuer is configured")
    subject = id_tokens.subject(
        id_token,
        trusted=identity.issuer.trusted,
        key=identity.issuer.key_of(id_token),
        nonce=nonce,
        now=now,
    )
    whom = database.read(
        lambda transaction: staff.by_subject(transaction, oidc_subject=subject),
        scope=_EVERYWHERE,
        deadline=deadline,
    )
    kind = StaffEvent.SIGNED_IN_BY_ISSUER
    proof = _Proof(whom=whom, meant=whom, kind=kind, address=address, key=key)
    return _concluded(database, proof, keys=identity.keys, now=now, deadline=deadline)


def caller_in_session(
    *, database: Database, keys: Keys, token: str, now: datetime, deadline: float
) -> Caller:
    """
    Return whom an access token stands for.

    :raises TokenUnknown: if we never signed it
    :raises TokenExpired: if its minutes are over
    :raises SessionOver: if its session has ended, or its person was locked out
    """
    session_id = access_tokens.session_id(token, keys=keys, now=now)
    found = database.read(
        lambda transaction: store.session(transaction, session_id=session_id),
        scope=_EVERYWHERE,
        deadline=deadline,
    )
    return sign_ins.caller_of(found, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """
    What came of an attempt: `whom` it proved, None if nobody; `meant` is who was named.

    `made` is what was counted before, None where nothing can be guessed; `password_hash` is what
    the password was compared with.
    """

    whom: Found | None
    meant: Found | None
    kind: StaffEvent
    address: str
    key: str
    made: Attempt | None = None
    password_hash: str | None = None

    def is_stale(self, transaction: Transaction, whom: Found) -> bool:
        """Tell if the password was changed while it was compared."""
        if self.password_hash is None:
            return False
        known = staff.password_hash(transaction, principal_id=whom.principal_id)
        return known != self.password_hash


def _meant(transaction: Transaction, *, asked: SignIn, made: Attempt, now: datetime) -> _Meant:
    whom = staff.by_name(transaction, name=asked.user_name)
    try:
        attempts.count(transaction, made, now=now)
    except SignInDelayed as delayed:
        _remember(transaction, StaffEvent.SIGN_IN_DELAYED, whom, asked.address, now=now)
        return _Meant(whom=whom, password_hash=None, delayed=delayed)
    principal_id = -1 if whom is None else whom.principal_id  # as many queries for nobody
    known = staff.password_hash(transaction, principal_id=principal_id)
    return _Meant(whom=whom, password_hash=known)


def _concluded(
    database: Database, proof: _Proof, *, keys: Keys, now: datetime, deadline: float
) -> SignedIn:
    """Record what came of an attempt; a refusal is raised after its record is safe."""

    def work(transaction: Transaction) -> Callable[[], SignedIn]:
        if proof.whom is None or proof.is_stale(transaction, proof.whom):
            _remember(transaction, StaffEvent.SIGN_IN_REFUSED, proof.meant, proof.address, now=now)
            return _refuse
        if proof.whom.member.locked_at is not None:
            _remember(
                transaction, StaffEvent.SIGN_IN_WHILE_LOCKED, proof.whom, proof.address, now=now
            )
            return _refuse_locked
        signed_in = _begun(transaction, proof, proof.whom, keys=keys, now=now)
        return lambda: signed_in

    return database.transaction(work, scope=_EVERYWHERE, deadline=deadline)()


def _begun(
    transaction: Transaction, proof: _Proof, whom: Found, *, keys: Keys, now: datetime
) -> SignedIn:
    session_id = sign_ins.session_id(principal_id=whom.principal_id, key=proof.key)
    session = store.begin(
        transaction,
        session_id=session_id,
        principal_id=whom.principal_id,
        began_at=now,
        ends_at=now + sign_ins.SESSION,
        is_by_issuer=proof.kind is StaffEvent.SIGNED_IN_BY_ISSUER,
    )
    if session.ended_at is not None or session.ends_at <= now:
        raise KeyReused(f"key {proof.key!r} began a session that is over")
    if proof.made is not None:
        store.forgive(transaction, user=proof.made.user, address=proof.made.address)
    _remember(transaction, proof.kind, whom, proof.address, now=now, actor_id=whom.principal_id)
    token, expires_at = access_tokens.signed(
        session_id=session_id, now=session.began_at, ends_at=session.ends_at, keys=keys
    )
    return SignedIn(
        access_token=token,
        expires_at=expires_at,
        session_ends_at=session.ends_at,
        must_change_password=session.caller.limited_to is not None,
        user_name=whom.member.user_name,
        role=whom.member.role,
        bureau=whom.member.bureau,
    )


def _refuse() -> SignedIn:
    raise SignInRefused("the user name, or what should prove it, is wrong")


def _refuse_locked() -> SignedIn:
    raise SignInLocked("an administrator has locked you out")


def _remember(
    transaction: Transaction,
    kind: StaffEvent,
    whom: Found | None,
    address: str,
    *,
    now: datetime,
    actor_id: int | None = None,
) -> None:
    staff.remember(transaction, kind, now=now, whom=whom, actor_id=actor_id, address=address)
