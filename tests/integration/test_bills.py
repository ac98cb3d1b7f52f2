"""What the utility shows of its bills, on a real database."""

from __future__ import annotations

import pytest

from service.domain.accounts import AccountUnknown
from service.domain.bill_numbers import BillUnknown
from service.store import bill_runs as store
from service.usecases.bills import bill_by_no, bills_of_account
from tests.integration.utilities import CHUNK_ACCOUNTS, FEBRUARY, MARCH, Utility


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now, monkeypatch):
    """A bureau of its own, billed in chunks of three accounts."""
    monkeypatch.setattr(store, "ACCOUNTS_PER_CHUNK", CHUNK_ACCOUNTS)
    utility = Utility(migrated.superuser, database, worker_database, caller, once, now)
    yield utility
    monkeypatch.undo()
    utility.drain()  # leaves no chunk to the next test's workers


def test_a_bill_shows_every_line_with_its_reason(utility, database, caller, deadline):
    (home,) = utility.open_accounts(register="12.5")
    utility.read([home], "322.5")
    utility.bill()

    bill = bill_by_no(
        database=database,
        caller=caller("auditor", None),
        bill_no=f"202602{home}01",
        deadline=deadline,
    )

    assert (bill.month, bill.consumption_kwh, bill.amount_fen) == ("2026-02", 310, 193_10)
    assert (str(bill.previous_register), str(bill.register)) == ("12.5000", "322.5000")
    assert bill.due_on.isoformat() == "2026-05-05"
    assert [(line.tier, line.price_yuan, line.amount_fen) for line in bill.lines] == [
        (1, "0.56", 95_20),
        (2, "0.61", 54_90),
        (3, "0.86", 43_00),
    ]
    assert bill.lines[1].why.startswith("tier 2, kWh 171 to 260 of the bill: 90 kWh × 0.61 yuan")


@pytest.mark.parametrize("suffix", ["02", "1"])
def test_a_bill_that_was_never_issued_is_unknown(suffix, utility, database, caller, deadline):
    (home,) = utility.open_accounts()

    with pytest.raises(BillUnknown):
        bill_by_no(
            database=database,
            caller=caller("hall_clerk", utility.bureau),
            bill_no=f"202602{home}{suffix}",
            deadline=deadline,
        )


def test_another_bureau_s_bills_are_unknown(utility, database, caller, deadline):
    (home,) = utility.open_accounts()
    utility.read([home], "310")
    utility.bill()
    neighbour = caller("hall_clerk", 2)

    with pytest.raises(BillUnknown):
        bill_by_no(
            database=database, caller=neighbour, bill_no=f"202602{home}01", deadline=deadline
        )
    with pytest.raises(AccountUnknown):
        bills_of_account(
            database=database,
            caller=neighbour,
            account_no=home,
            limit=10,
            cursor=None,
            deadline=deadline,
        )


def test_an_account_s_bills_are_listed_page_by_page_newest_first(utility):
    (home,) = utility.open_accounts()
    for month, register in ((FEBRUARY, "100"), (MARCH, "250")):
        utility.read([home], register, month=month)
        utility.bill(month)

    first = utility.bills(home, limit=1)
    second = utility.bills(home, limit=1, cursor=first.next_cursor)

    assert [bill.month for bill in (*first.items, *second.items)] == ["2026-03", "2026-02"]
    assert second.next_cursor is None
