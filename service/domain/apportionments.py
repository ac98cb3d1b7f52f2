"""Apportionments: which part of what an account's meter shows is billed at another's prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain.errors import Invalid
from service.domain.household_terms import Standing, check_not_billed
from service.domain.months import Month
from service.domain.new_accounts import HOMES
from service.domain.portions import Participation

PART_CATEGORIES = ("residential_collective", "commercial", "agricultural")
"""At whose prices a part may be billed: without tiers, which are a household's, or capacity."""
PARTS_MAX = 10

_WHOLE = 100_00  # of hundredths of a percent


class NotApportionable(Invalid):
    """All that a home uses is priced by its tiers."""

    code = "NOT_APPORTIONABLE"
    hint = "Check the account number; what else is supplied there needs an account of its own."


class PartAmbiguous(Invalid):
    """A part is an agreed energy or an agreed share, one of them."""

    code = "PART_AMBIGUOUS"
    hint = "Send of each part `fixed_kwh` a month, or `share_hundredths_percent`, not both."


class PartCategoryUnfit(Invalid):
    """A part is billed at the prices of another category, one without tiers."""

    code = "PART_CATEGORY_UNFIT"
    hint = f"Send one of {', '.join(PART_CATEGORIES)}, other than the account's own."


class SharesExceedAll(Invalid):
    """Shares of the same energy come to more than all of it."""

    code = "SHARES_EXCEED_ALL"
    hint = "Send shares that come to 10000 hundredths of a percent at most."


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedPart:
    """
    A part of an account's energy that is billed at the prices of `category`.

    It is `fixed_kwh` a month, or a share of what all the fixed ones leave. `participation` says how
    it takes part in the power factor, where that is assessed.
    """

    category: str
    fixed_kwh: int | None
    share_hundredths_percent: int | None
    participation: Participation


@dataclass(frozen=True, slots=True, kw_only=True)
class Apportionment:
    """The parts that hold from an accounting month (YYYY-MM) on; none of them ends it."""

    from_month: str
    parts: tuple[AgreedPart, ...]
    document_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedApportionment:
    """
    An apportionment as it was recorded, by whom.

    Of two that begin in one month the one recorded last holds.
    """

    from_month: str
    parts: tuple[AgreedPart, ...]
    document_no: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedApportionments:
    """Every apportionment of an account, the newest first."""

    account_no: str
    items: tuple[RecordedApportionment, ...]


def check_apportionment(wanted: Apportionment, month: Month, standing: Standing) -> None:
    """
    Let an apportionment pass that begins in a month which is not billed yet.

    Source: domain rule 2.2, step 4 (fixed energy 定量, shares 定比).
    :raises NotApportionable: if the account is a home
    :raises PartAmbiguous: if a part is neither fixed nor a share, or both
    :raises PartCategoryUnfit: if a part is billed as the account is, or by tiers, or by capacity
    :raises SharesExceedAll: if the shares come to more than all
    :raises TermBilled: if the month, or a later one, is billed
    """
    if standing.category in HOMES:
        raise NotApportionable(f"the account is {standing.category}")
    for part in wanted.parts:
        if (part.fixed_kwh is None) == (part.share_hundredths_percent is None):
            raise PartAmbiguous(f"of {part.category}")
        if part.category not in PART_CATEGORIES or part.category == standing.category:
            raise PartCategoryUnfit(f"{part.category[:40]!r} of an account {standing.category}")
    shares = sum(part.share_hundredths_percent or 0 for part in wanted.parts)
    if shares > _WHOLE:
        raise SharesExceedAll(f"{shares} hundredths of a percent")
    check_not_billed(month, standing)
