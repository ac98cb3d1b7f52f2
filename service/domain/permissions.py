"""Which role may do what."""

from __future__ import annotations

from types import MappingProxyType

from service.domain.errors import Forbidden
from service.domain.principals import Caller, Role

_EVERYONE = frozenset(Role)
_OFFICES = frozenset({Role.BILLING_OFFICER, Role.HEAD_OFFICE})
_CASHIERS = frozenset({Role.HALL_CLERK, Role.CHANNEL})

OPERATIONS = MappingProxyType(
    {
        "accounts.import": frozenset({Role.DATA_MIGRATOR}),
        "accounts.read": _EVERYONE,
        "readings.post": frozenset({Role.READER, Role.DATA_MIGRATOR}),
        "prices.read": _EVERYONE,
        "bill_runs.start": _OFFICES,
        "bill_runs.read": _OFFICES | {Role.AUDITOR},
        "bills.read": _EVERYONE - {Role.DATA_MIGRATOR},
        "payments.take": _CASHIERS,
        "payments.read": _CASHIERS | _OFFICES | {Role.AUDITOR},
        "statements.read": _CASHIERS | _OFFICES | {Role.AUDITOR},
    }
)


class RoleForbidden(Forbidden):
    """The caller's role does not include this."""

    code = "ROLE_FORBIDDEN"
    hint = "Use a token of a role that may do this."


def check(caller: Caller, operation: str) -> None:
    """
    Let `caller` pass if its role includes `operation`.

    :raises RoleForbidden: if it does not
    """
    if caller.role not in OPERATIONS[operation]:
        raise RoleForbidden(f"a {caller.role} may not do {operation}")
