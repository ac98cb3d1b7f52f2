"""Re-ratings: what bills that were issued would come to at other prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.domain.bills import calculated
from service.domain.errors import Refusal
from service.domain.portions import Household, Portion, Spell
from service.domain.tariffs import Tariff
from service.domain.tou import Energy

BILLS = 2_000
"""So many bills are re-rated, or all there are: the process asks for a thousand accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """
    An issued bill, with what its calculation depends on beside the prices.

    Of an account of two parts it is what energy comes to: no basic charge, no power factor.

    Of its energy the periods are those that it was billed by; without any all is flat.
    """

    account_no: str
    energy: Energy
    amount_fen: int
    household: Household


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One bill before and after."""

    account_no: str
    consumption_kwh: int
    before_fen: int
    after_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReRating:
    """
    What a test of prices found, on the bills of one month (YYYY-MM; null if there are none).

    `before_fen` and `after_fen` are sums over the bills that could be calculated; `refused` are
    those that could not, the first with its code. Of the bills that change most there is one each
    way, null if none does.
    """

    month: str | None
    bills: int
    refused: int
    first_refusal: str | None
    before_fen: int
    after_fen: int
    dearer: int
    cheaper: int
    largest_rise: Difference | None
    largest_fall: Difference | None


def re_rated(tariff: Tariff, bills: Iterable[Rated], *, month: str | None) -> ReRating:
    """Return what `bills` come to by a tariff, by the functions that every bill is made by."""
    refusals: list[str] = []
    found = list(_differences(tariff, bills, refusals))
    by_rise = sorted(found, key=lambda each: each.after_fen - each.before_fen)
    dearer = [each for each in by_rise if each.after_fen > each.before_fen]
    cheaper = [each for each in by_rise if each.after_fen < each.before_fen]
    return ReRating(
        month=month,
        bills=len(found) + len(refusals),
        refused=len(refusals),
        first_refusal=refusals[0] if refusals else None,
        before_fen=sum(each.before_fen for each in found),
        after_fen=sum(each.after_fen for each in found),
        dearer=len(dearer),
        cheaper=len(cheaper),
        largest_rise=dearer[-1] if dearer else None,
        largest_fall=cheaper[0] if cheaper else None,
    )


def _differences(
    tariff: Tariff, bills: Iterable[Rated], refusals: list[str]
) -> Iterator[Difference]:
    """Yield each bill before and after; add to `refusals` what could not be calculated."""
    spells = (Spell(days=1, tariff=tariff),)
    for bill in bills:
        try:
            after = calculated(Portion(energy=bill.energy, spells=spells, household=bill.household))
        except Refusal as refusal:
            refusals.append(f"account {bill.account_no}: {refusal.code}, {refusal.detail}")
            continue
        yield Difference(
            account_no=bill.account_no,
            consumption_kwh=bill.energy.total_kwh,
            before_fen=bill.amount_fen,
            after_fen=after.amount_fen,
        )
