"""Numbers of records, as clients write them into a path."""

from __future__ import annotations

from service.domain.errors import Missing

BIGINT_MAX = 2**63 - 1
INTEGER_MAX = 2**31 - 1


def known_number(number: int, unknown: type[Missing], *, most: int = BIGINT_MAX) -> int:
    """
    Return `number` if a record can have it.

    :param most: the greatest that its column holds
    :raises Missing: as `unknown`, if the database could not even compare it
    """
    if not 0 < number <= most:
        raise unknown(f"nothing has the number {number}")
    return number
