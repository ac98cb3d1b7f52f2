"""The authorisation matrix: which role may do what, in whose bureau."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from service.domain.errors import Forbidden, Invalid
from service.domain.principals import Caller, Role


class Reach(StrEnum):
    """
    How far a role reaches with an operation; a role without one in a row may not do it at all.

    Whoever belongs to a bureau never sees beyond it (row-level security). What differs is whether
    the role also works for a principal that belongs to none, which then reaches every bureau, or
    for nobody else: what holds for every bureau is not decided in one.
    """

    OWN = "own bureau"
    ANY = "any bureau"
    CENTRAL = "every bureau at once"


def _own(*roles: Role) -> dict[str, Reach]:
    return dict.fromkeys(roles, Reach.OWN)


def _any(*roles: Role) -> dict[str, Reach]:
    return dict.fromkeys(roles, Reach.ANY)


def _central(*roles: Role) -> dict[str, Reach]:
    return dict.fromkeys(roles, Reach.CENTRAL)


# A hall's counter, a reader's round are in one bureau; offices, channels, auditors may serve all.
_HALL, _ROUND = _own(Role.HALL_CLERK), _own(Role.READER)
_OFFICES = _any(Role.BILLING_OFFICER, Role.HEAD_OFFICE)
_CHANNEL, _AUDITOR = _any(Role.CHANNEL), _any(Role.AUDITOR)
_MIGRATOR = _any(Role.DATA_MIGRATOR)
_ADMINISTRATOR = _any(Role.ADMINISTRATOR)
_EVERYBODY = _any(*Role)
_HEAD_OFFICE = _central(Role.HEAD_OFFICE)
_CUSTOMERS = _HALL | _ROUND | _OFFICES | _CHANNEL | _AUDITOR

OPERATIONS: Mapping[str, Mapping[str, Reach]] = MappingProxyType(
    {
        "accounts.import": _MIGRATOR,
        "accounts.read": _CUSTOMERS | _MIGRATOR,
        "accounts.close": _any(Role.BILLING_OFFICER),
        "household_terms.record": _HALL | _MIGRATOR,
        "supply_terms.record": _OFFICES | _MIGRATOR,
        "equipment.record": _OFFICES | _MIGRATOR,
        "apportionments.record": _OFFICES | _MIGRATOR,
        "meters.exchange": _any(Role.BILLING_OFFICER),
        "readings.post": _ROUND | _MIGRATOR,
        "readings.read": _HALL | _ROUND | _OFFICES | _AUDITOR,
        "reading_corrections.read": _ROUND | _OFFICES | _AUDITOR,
        "reading_corrections.request": _ROUND | _any(Role.BILLING_OFFICER),
        "reading_corrections.decide": _OFFICES,
        "estimates.make": _OFFICES,
        "reading_findings.read": _ROUND | _OFFICES | _AUDITOR,
        "reading_findings.accept": _OFFICES,
        "reading_sections.read": _ROUND | _OFFICES | _AUDITOR,
        "reading_sections.manage": _OFFICES,
        "reading_plans.read": _ROUND | _OFFICES | _AUDITOR,
        "reading_plans.manage": _OFFICES,
        "prices.read": _CUSTOMERS | _MIGRATOR,
        "bill_calculations.make": _CUSTOMERS | _MIGRATOR,
        "price_proposals.read": _OFFICES | _AUDITOR,
        "price_proposals.draft": _HEAD_OFFICE,
        "price_proposals.test": _central(Role.HEAD_OFFICE, Role.BILLING_OFFICER),
        "price_proposals.decide": _HEAD_OFFICE,
        "bill_runs.start": _OFFICES,
        "bill_runs.read": _OFFICES | _AUDITOR,
        "bill_runs.decide": _OFFICES,
        "bills.read": _CUSTOMERS,
        "bill_cancellations.read": _OFFICES | _AUDITOR,
        "bill_cancellations.request": _any(Role.BILLING_OFFICER),
        "bill_cancellations.decide": _OFFICES,
        "energy_corrections.read": _OFFICES | _AUDITOR,
        "energy_corrections.request": _any(Role.BILLING_OFFICER),
        "energy_corrections.decide": _OFFICES,
        "payments.take": _HALL | _CHANNEL,
        "payments.read": _HALL | _CHANNEL | _OFFICES | _AUDITOR,
        "statements.read": _HALL | _CHANNEL | _OFFICES | _AUDITOR,
        "sessions.renew": _EVERYBODY,
        "sessions.end": _EVERYBODY,
        "passwords.change": _EVERYBODY,
        "staff.read": _ADMINISTRATOR | _AUDITOR,
        "staff_events.read": _ADMINISTRATOR | _AUDITOR,
        "staff.manage": _ADMINISTRATOR,
    }
)


class RoleForbidden(Forbidden):
    """The caller's role does not include this."""

    code = "ROLE_FORBIDDEN"
    hint = "Use a token of a role that may do this."


class BureauRequired(Forbidden):
    """The caller's role does this in its own bureau only, but the caller belongs to none."""

    code = "BUREAU_REQUIRED"
    hint = "Use a token of a principal that belongs to the bureau."


class CentralOnly(Forbidden):
    """What holds for every bureau is decided by somebody who belongs to none."""

    code = "CENTRAL_ONLY"
    hint = "Leave it to the head office: no bureau sets its own prices."


class TokenLimited(Forbidden):
    """The caller's role includes this, but its token was limited to something else."""

    code = "TOKEN_LIMITED"
    hint = "Use a token that is not limited, or whose limits include this."


class PermissionUnknown(Invalid):
    """A token was asked for that is limited to what its role does not include."""

    code = "PERMISSION_UNKNOWN"
    hint = "Limit the token to operations of its role; leave the limit out for all of them."


def check(caller: Caller, operation: str) -> None:
    """
    Let `caller` pass if the matrix and its token include `operation`.

    :raises RoleForbidden: if its role does not include it
    :raises BureauRequired: if its role does so in its own bureau only, and it belongs to none
    :raises CentralOnly: if its role does so for every bureau only, and it belongs to one
    :raises TokenLimited: if its token is limited to something else
    """
    reach = OPERATIONS[operation].get(caller.role)
    if reach is None:
        raise RoleForbidden(f"a {caller.role} may not do {operation}")
    if reach is Reach.OWN and caller.bureau_id is None:
        raise BureauRequired(f"a {caller.role} of no bureau may not do {operation}")
    if reach is Reach.CENTRAL and caller.bureau_id is not None:
        raise CentralOnly(f"a {caller.role} of bureau {caller.bureau_id} may not do {operation}")
    if caller.limited_to is not None and operation not in caller.limited_to:
        raise TokenLimited(f"the token of {caller.name} is not for {operation}")


def may(caller: Caller, operation: str) -> bool:
    """Test if `check` lets `caller` pass."""
    try:
        check(caller, operation)
    except Forbidden:
        return False
    return True


def checked_limits(role: str, operations: Iterable[str]) -> frozenset[str] | None:
    """
    Return what a token of `role` is limited to: None, if nothing is named.

    :raises PermissionUnknown: naming every operation that the role does not include
    """
    wanted = frozenset(operations)
    included = {name for name, reaches in OPERATIONS.items() if role in reaches}
    if wanted - included:
        raise PermissionUnknown(f"a {role} has no {', '.join(sorted(wanted - included))}")
    return wanted or None
