"""What anybody may ask before there is a bill: what it would come to."""

from __future__ import annotations

from service.domain import trials
from service.domain.calculations import Calculation
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.trials import Trial


def calculate_bill(*, caller: Caller, trial: Trial) -> Calculation:
    """
    Return what a bill would come to; nothing is recorded.

    :raises RoleForbidden: if the caller does not ask for calculations
    """
    check(caller, "bill_calculations.make")
    return trials.calculated(trial)
