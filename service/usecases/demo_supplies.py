"""The demo's factories: how each is supplied, charged for that."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from service.domain.apportionments import AgreedPart, Apportionment
from service.domain.equipment import NewEquipment
from service.domain.idempotency import Once
from service.domain.months import Month
from service.domain.principals import Caller
from service.domain.supply_terms import SupplyTerm, TermMode
from service.store import demo as store
from service.store.database import Database
from service.usecases.apportionments import record_apportionment
from service.usecases.equipment import install_equipment
from service.usecases.supply_terms import record_supply_term

_MODES: tuple[TermMode, ...] = ("capacity", "contract_demand", "actual_demand")
# A transformer of each size: capacity in kVA, losses in kW, percentages; plausible, nobody's.
_PLATES = (
    ("315", "0.67", "3.65", "1.1", "4"),
    ("630", "1.2", "6.2", "1.1", "4.5"),
    ("1000", "1.7", "10.3", "1", "4.5"),
)
_BUILT_ON = date(2012, 5, 1)
# Each factory has one: its share is agreed, billed as dwellings are.
_DORMITORY = AgreedPart(
    category="residential_collective",
    fixed_kwh=None,
    share_hundredths_percent=500,
    participation="energy_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """Records how the factories of one bureau are supplied, for those that lack it."""

    database: Database
    migrator: Caller
    bureau_id: int
    now: datetime
    once: Callable[[Sequence[object]], Once]
    deadline: Callable[[], float]

    def record_missing(self, *, first: Month) -> int:
        """Record terms, dormitories from `first` on, then a transformer; return of how many."""
        missing = self.database.read(
            lambda transaction: store.unsupplied(transaction, bureau_id=self.bureau_id),
            scope=str(self.bureau_id),
            deadline=self.deadline(),
        )
        for account_no, has_terms in missing:
            chance = random.Random(f"factory {account_no}")  # noqa: S311  made up, not secret
            term = _term(chance, first)
            transformer = _transformer(chance)
            if not has_terms:
                self._record(account_no, term)
            self._apportion(account_no, first)
            self._install(account_no, transformer)
        return len(missing)

    def _record(self, account_no: str, term: SupplyTerm) -> None:
        record_supply_term(
            database=self.database,
            caller=self.migrator,
            once=self.once([account_no, term]),
            account_no=account_no,
            term=term,
            now=self.now,
            deadline=self.deadline(),
        )

    def _apportion(self, account_no: str, first: Month) -> None:
        record_apportionment(
            database=self.database,
            caller=self.migrator,
            once=self.once([account_no, _DORMITORY]),
            account_no=account_no,
            apportionment=Apportionment(
                from_month=str(first), parts=(_DORMITORY,), document_no="Annex 1"
            ),
            now=self.now,
            deadline=self.deadline(),
        )

    def _install(self, account_no: str, new: NewEquipment) -> None:
        install_equipment(
            database=self.database,
            caller=self.migrator,
            once=self.once([account_no, new]),
            account_no=account_no,
            new=new,
            now=self.now,
            deadline=self.deadline(),
        )


def _term(chance: random.Random, first: Month) -> SupplyTerm:
    mode = chance.choice(_MODES)
    return SupplyTerm(
        from_month=str(first),
        basic_mode=mode,
        contract_kw="240" if mode == "contract_demand" else None,
        power_factor_standard=90,
        is_metered_low=chance.choice((False, True)),
        load_shape=chance.choice(("1.0", "1.5", "3.0")),
        line_loss_hundredths_percent=0,
        has_heavy_use_discount=False,
        document_no=f"Contract {chance.randrange(10**6):06}",
    )


def _transformer(chance: random.Random) -> NewEquipment:
    capacity, no_load_kw, load_kw, no_load, short_circuit = chance.choice(_PLATES)
    return NewEquipment(
        equipment_no="T1",
        kind="transformer",
        capacity_kva=capacity,
        no_load_kw=no_load_kw,
        load_kw=load_kw,
        no_load_percent=no_load,
        short_circuit_percent=short_circuit,
        runs_from=_BUILT_ON,
        document_no=f"Work order {chance.randrange(10**6):06}",
    )
