"""Household terms: what is known of a household that the price of its energy depends on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.errors import Conflict, Invalid
from service.domain.months import Month
from service.domain.new_accounts import HOMES

PERSONS_OF_MANY = 5
"""From so many persons on the tiers of a household are wider (domain rule 2.6)."""

Subsidy = Literal["none", "low_income", "five_guarantees"]


class NotAHousehold(Invalid):
    """Only a home has a household."""

    code = "NOT_A_HOUSEHOLD"
    hint = "Check the account number: its category has neither tiers nor free energy."


class TermBilled(Conflict):
    """Terms hold for months to come, never for one that is billed."""

    code = "TERM_BILLED"
    hint = "Let it begin after the account's newest bill; what was billed wrongly is corrected."


class TermTaken(Conflict):
    """Other terms of the account begin in this month."""

    code = "TERM_TAKEN"
    hint = "Let it begin in another month: what is recorded is never replaced."


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdTerm:
    """
    How a household is, from an accounting month (YYYY-MM) until its next term.

    `document_no` is that of the register or the certificate that says so.
    """

    from_month: str
    persons: int
    subsidy: Subsidy
    document_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTerm:
    """A term as it was recorded, by whom; what it means for the household's bills."""

    from_month: str
    persons: int
    subsidy: Subsidy
    document_no: str
    has_wider_tiers: bool
    has_free_energy: bool
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTerms:
    """Every term of an account, the newest first."""

    account_no: str
    items: tuple[RecordedTerm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a new term is judged by: the account's category, newest billed month, terms so far."""

    category: str
    newest_billed: Month | None
    begun: frozenset[Month]


def has_wider_tiers(persons: int) -> bool:
    """Tell if a household of so many has wider tiers (domain rule 2.6)."""
    return persons >= PERSONS_OF_MANY


def has_free_energy(subsidy: Subsidy) -> bool:
    """Tell if a household has energy for nothing (domain rule 2.6: 低保, 五保)."""
    return subsidy != "none"


def check_not_billed(month: Month, standing: Standing) -> None:
    """
    Let terms of whatever kind pass that begin after all that is billed.

    :raises TermBilled: if the month, or a later one, is billed
    """
    if standing.newest_billed is not None and month <= standing.newest_billed:
        raise TermBilled(f"from {month}, while {standing.newest_billed} is billed")


def check_term(month: Month, standing: Standing) -> None:
    """
    Let a term pass that begins in a month of a home which is not billed yet.

    Source: domain rule 2.6 (effective from an accounting month, never retroactive).
    :raises NotAHousehold: if the account is no home
    :raises TermBilled: if the month, or a later one, is billed
    :raises TermTaken: if another term begins in it
    """
    if standing.category not in HOMES:
        raise NotAHousehold(f"the account is {standing.category}")
    check_not_billed(month, standing)
    if month in standing.begun:
        raise TermTaken(f"terms from {month} are recorded")
