"""New accounts: what one must satisfy before it may begin."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.domain import account_numbers
from service.domain.bureaus import BureauUnknown
from service.domain.errors import Invalid
from service.domain.meters import DECIMALS_MAX, DIGITS_MAX, Register
from service.domain.months import business_date
from service.domain.registers import Counted

CATEGORIES = (
    "residential",
    "residential_tou",
    "residential_collective",
    "commercial",
    "agricultural",
    "industrial",
)
HOMES = frozenset({"residential", "residential_tou"})
"""What a household may be: priced by tiers, or by these and by the periods of the day."""
TEXT_LENGTH_MAX = 200
PHONE_LENGTH_MAX = 20
FIRST_YEAR = 1950
"""Nothing still in use was opened or installed before it: an earlier year was mistyped."""

_SHOWN_MAX = 60
_PHONE = re.compile(r"\+?[0-9][0-9 ()/-]*", re.ASCII)
_ASSET_NO = re.compile(r"[0-9A-Za-z-]{1,40}", re.ASCII)
_MULTIPLIER = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,4})?", re.ASCII)
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # Unicode categories


class TextRefused(Invalid):
    """A text is blank, too long, or holds what cannot be printed."""

    code = "TEXT_REFUSED"
    hint = f"Send 1 to {TEXT_LENGTH_MAX} printable characters."


class PhoneMalformed(Invalid):
    """A text is no telephone number."""

    code = "PHONE_MALFORMED"
    hint = f"Send at most {PHONE_LENGTH_MAX} digits, spaces, hyphens and brackets; + may lead."


class CategoryUnknown(Invalid):
    """There are no prices for such customers."""

    code = "CATEGORY_UNKNOWN"
    hint = f"Send one of {', '.join(CATEGORIES)}."


class DateImplausible(Invalid):
    """An account is opened, and its meter installed, before today and not in another age."""

    code = "DATE_IMPLAUSIBLE"
    hint = f"Send a time from {FIRST_YEAR} up to now, a day up to today in business time."


class AssetNumberMalformed(Invalid):
    """A text is no asset number."""

    code = "ASSET_NUMBER_MALFORMED"
    hint = "Send the 1 to 40 letters, digits and hyphens on the meter's plate."


class RegisterImpossible(Invalid):
    """No register is built like this."""

    code = "REGISTER_IMPOSSIBLE"
    hint = f"Send 1 to {DIGITS_MAX} digits, and 0 to {DECIMALS_MAX} decimals behind them."


class MultiplierMalformed(Invalid):
    """A multiplier is a number above zero."""

    code = "MULTIPLIER_MALFORMED"
    hint = 'Send CT ratio x PT ratio x meter constant as text, for example "40" or "0.5".'


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeter:
    """
    A meter that is hung up; decimal numbers are text, as they were sent.

    `periods` is what its other registers showed: of periods of the day, reactive energy, demand.
    """

    asset_no: str
    digits: int
    decimals: int
    multiplier: str
    installed_at: datetime
    initial_register: str
    periods: Mapping[Counted, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to begin with; one without an `account_no` is given it."""

    account_no: str | None
    name: str
    phone: str
    address: str
    category: str
    opened_on: date
    bureau: int
    meter: NewMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an account is judged by beside itself; `bureaus` are those the caller may add to."""

    bureaus: Collection[int]
    now: datetime


def judge(account: NewAccount, terms: Terms) -> None:
    """
    Let an account pass that may begin as it stands.

    :raises Refusal: of the first of `_RULES` that it breaks
    """
    for rule in _RULES:
        rule(account, terms)


def _judge_number(account: NewAccount, _terms: Terms) -> None:
    if account.account_no is not None:
        account_numbers.checked(account.account_no)


def _judge_bureau(account: NewAccount, terms: Terms) -> None:
    if account.bureau not in terms.bureaus:
        raise BureauUnknown(f"bureau is {account.bureau}")


def _judge_texts(account: NewAccount, _terms: Terms) -> None:
    for field, text in (("name", account.name), ("address", account.address)):
        if not text.strip() or len(text) > TEXT_LENGTH_MAX:
            raise TextRefused(f"{field} is blank, or too long with {len(text)} characters")
        if any(unicodedata.category(letter) in _UNPRINTABLE for letter in text):
            raise TextRefused(f"{field} is {_shown(text)}")


def _judge_phone(account: NewAccount, _terms: Terms) -> None:
    if len(account.phone) > PHONE_LENGTH_MAX or not _PHONE.fullmatch(account.phone):
        raise PhoneMalformed(f"phone is {_shown(account.phone)}")


def _judge_category(account: NewAccount, _terms: Terms) -> None:
    if account.category not in CATEGORIES:
        raise CategoryUnknown(f"category is {_shown(account.category)}")


def _judge_opening(account: NewAccount, terms: Terms) -> None:
    if account.opened_on.year < FIRST_YEAR or account.opened_on > business_date(terms.now):
        raise DateImplausible(f"opened_on is {account.opened_on}")


def _judge_installation(account: NewAccount, terms: Terms) -> None:
    installed_at = account.meter.installed_at
    if installed_at.year < FIRST_YEAR or installed_at > terms.now:
        raise DateImplausible(f"meter.installed_at is {installed_at.isoformat()}")


def _judge_meter(account: NewAccount, _terms: Terms) -> None:
    judge_meter(account.meter)


def judge_meter(meter: NewMeter) -> None:
    """
    Let a meter pass that can hang at an account.

    :raises AssetNumberMalformed: if its asset number is none
    :raises RegisterImpossible: if no register is built like this
    :raises RegisterMalformed: if the register it begins with is no number
    :raises RegisterTooLong: if it cannot show that
    :raises MultiplierMalformed: if the multiplier is no number above zero
    """
    if not _ASSET_NO.fullmatch(meter.asset_no):
        raise AssetNumberMalformed(f"meter.asset_no is {_shown(meter.asset_no)}")
    if not (1 <= meter.digits <= DIGITS_MAX and 0 <= meter.decimals <= DECIMALS_MAX):
        raise RegisterImpossible(f"meter has {meter.digits} digits and {meter.decimals} decimals")
    shape = Register(meter.digits, meter.decimals)
    for register in (meter.initial_register, *meter.periods.values()):
        shape.read(register)
    if not _MULTIPLIER.fullmatch(meter.multiplier) or Decimal(meter.multiplier) == 0:
        raise MultiplierMalformed(f"meter.multiplier is {_shown(meter.multiplier)}")


def _shown(text: str) -> str:
    """Quote a text in a message, cut where nobody reads on."""
    return repr(text[:_SHOWN_MAX])


_RULES: tuple[Callable[[NewAccount, Terms], None], ...] = (
    _judge_number,
    _judge_bureau,
    _judge_texts,
    _judge_phone,
    _judge_category,
    _judge_opening,
    _judge_meter,
    _judge_installation,
)
"""Every rule for a new account, in the order in which its sender is told of them."""
