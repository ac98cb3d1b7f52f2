"""Cancelled bills over HTTP: two hands, a mirror, money that is kept, the month billed anew."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg2
import pytest

from service.store import price_proposals
from service.store.transaction import Transaction
from service.usecases.bills import bill_by_no
from tests.integration import cancellations
from tests.integration.utilities import FEBRUARY, MARCH, Utility

PATH = "/v1/bill-cancellations"
OFFICER, HEAD = "billing_officer", "head_office"


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """An account whose February is billed."""
    [account_no] = utility.open_accounts()
    utility.read([account_no], "310", before_end=timedelta(hours=8))
    utility.bill()
    return account_no


@pytest.fixture
def ask(api, utility):
    """Ask for a bill's cancellation, as the bureau's officer."""

    def asked(bill_no, status=201):
        sent = {"bill_no": bill_no, "reason": "The meter was misread."}
        answer = api.post(PATH, OFFICER, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return asked


@pytest.fixture
def decide(api):
    """Approve a cancellation, or reject it for a reason; as the head office, unless it says so."""

    def decided(cancellation, status=200, *, role=HEAD, bureau=None, reason=None, key=None):
        path = f"{PATH}/{cancellation['cancellation_no']}/"
        path += "rejections" if reason else "approvals"
        answer = api.post(path, role, bureau, key=key, json={"reason": reason} if reason else {})
        assert answer.status_code == status, answer.text
        return answer.json

    return decided


@pytest.fixture
def show(database, caller, deadline):
    """Return a bill as it is shown."""

    def shown(bill_no):
        return bill_by_no(
            database=database, caller=caller("auditor", None), bill_no=bill_no, deadline=deadline
        )

    return shown


def together(*deeds):
    """Do all of it at the same moment."""
    threads = [threading.Thread(target=deed) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def balance(api, account_no):
    return api.get(f"/v1/accounts/{account_no}/statement").json["balance"]


def test_a_bill_is_taken_back_then_billed_anew_and_what_was_paid_pays_the_new_one(
    api, utility, home, ask, decide, show
):
    wrong, mirror, right = (f"202602{home}{serial:02}" for serial in (1, 2, 3))
    utility.pay(home, 100_00)

    asked = ask(wrong)
    assert balance(api, home) == {"receivable_fen": 93_10, "prepayment_fen": 0}, "still in force"
    approved = decide(asked)

    assert (approved["state"], approved["mirror_bill_no"]) == ("approved", mirror)
    assert [(event["step"], event["done_by"]) for event in approved["events"]] == [
        ("requested", f"billing_officer of {utility.bureau}"),
        ("approved", "head_office of all"),
    ]
    assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 100_00}
    assert utility.contradictions() == []
    assert show(wrong).cancelled_by_bill_no == mirror
    assert show(mirror).cancels_bill_no == wrong

    [other] = utility.open_accounts()
    utility.read([home, other], "330")
    run = utility.bill()

    assert run.billed == 2
    assert show(right).lines == show(f"202602{other}01").lines, "as if nothing had happened"
    assert [(bill.bill_no, bill.is_in_force) for bill in utility.bills(home).items] == [
        (right, True), (mirror, False), (wrong, False),
    ]  # fmt: skip
    assert balance(api, home) == {
        "receivable_fen": show(right).amount_fen - 100_00,
        "prepayment_fen": 0,
    }
    assert utility.contradictions() == []


def test_a_bill_and_its_mirror_come_to_nothing_line_by_line(home, ask, decide, show):
    wrong = show(f"202602{home}01")

    mirror = show(decide(ask(wrong.bill_no))["mirror_bill_no"])

    assert wrong.consumption_kwh + mirror.consumption_kwh == 0
    assert wrong.amount_fen + mirror.amount_fen == 0
    assert [
        (line.component, line.tier, int(line.quantity), line.price_yuan, line.amount_fen)
        for line in wrong.lines
    ] == [
        (line.component, line.tier, -int(line.quantity), line.price_yuan, -line.amount_fen)
        for line in mirror.lines
    ]
    assert [line.why for line in mirror.lines] == [
        f"taken back: {line.why}" for line in wrong.lines
    ]


def test_the_books_take_back_sales_tax_and_levies(utility, ask, decide):
    [shop] = utility.open_accounts(category="commercial")
    utility.read([shop], "1250")
    utility.bill()
    sums = (
        "SELECT code, sum(amount_fen) FROM evergrid.ledger_entry "
        "WHERE bureau_id = {bureau} GROUP BY code ORDER BY code"
    )
    assert {code for code, fen in utility.query(sums) if fen} >= {"1122.01", "2221", "6001.02"}

    decide(ask(f"202602{shop}01"))

    assert {fen for _, fen in utility.query(sums)} == {0}
    assert utility.contradictions() == []


def test_a_month_that_is_not_billed_anew_is_part_of_the_next_bill(utility, home, ask, decide, show):
    decide(ask(f"202602{home}01"))
    utility.read([home], "500", month=MARCH)

    utility.bill(MARCH)

    assert show(f"202603{home}01").consumption_kwh == 500
    assert utility.contradictions() == []


def test_what_paid_ahead_paid_is_paid_ahead_again(api, utility, ask, decide):
    [account_no] = utility.open_accounts()
    utility.pay(account_no, 50_00)
    utility.read([account_no], "310")
    utility.bill()
    assert balance(api, account_no) == {"receivable_fen": 143_10, "prepayment_fen": 0}

    decide(ask(f"202602{account_no}01"))

    assert balance(api, account_no) == {"receivable_fen": 0, "prepayment_fen": 50_00}
    assert utility.contradictions() == []


def test_a_bill_of_nothing_is_taken_back_without_a_journal(api, utility, ask, decide):
    [account_no] = utility.open_accounts()
    utility.read([account_no], "0")
    utility.bill()

    decide(ask(f"202602{account_no}01"))

    assert api.get(f"/v1/accounts/{account_no}/statement").json["items"] == []
    assert [bill.is_in_force for bill in utility.bills(account_no).items] == [False, False]
    assert utility.contradictions() == []


def test_what_was_billed_anew_can_be_cancelled_too(api, utility, home, ask, decide):
    utility.pay(home, 100_00)
    for serial in ("01", "03"):
        decide(ask(f"202602{home}{serial}"))
        assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 100_00}
        utility.bill()

    assert balance(api, home) == {"receivable_fen": 93_10, "prepayment_fen": 0}
    assert [bill.bill_no[-2:] for bill in utility.bills(home).items] == [
        "05",
        "04",
        "03",
        "02",
        "01",
    ]
    assert utility.contradictions() == []


def test_bills_of_one_month_are_listed_a_page_at_a_time(utility, home, ask, decide):
    decide(ask(f"202602{home}01"))
    utility.bill()

    listed, cursor = [], None
    while cursor or not listed:
        page = utility.bills(home, limit=1, cursor=cursor)
        listed += [bill.bill_no[-2:] for bill in page.items]
        cursor = page.next_cursor
    assert listed == ["03", "02", "01"]


def test_the_statement_says_what_the_mirror_moved(api, utility, home, ask, decide):
    utility.pay(home, 100_00)
    mirror = decide(ask(f"202602{home}01"))["mirror_bill_no"]

    moved = [
        (item["document_no"], item["code"], item["amount_fen"])
        for item in api.get(f"/v1/accounts/{home}/statement").json["items"]
        if item["event"] == "bill_cancelled"
    ]
    assert sorted(moved) == [
        (mirror, "1122.01", -193_10), (mirror, "1122.01", 100_00), (mirror, "2203", -100_00),
    ]  # fmt: skip


def test_a_household_that_was_known_too_late_is_billed_anew(utility, home, ask, decide, show):
    decide(ask(f"202602{home}01"))
    utility.know(home, "2026-02", persons=6)  # refused while the month was billed

    utility.bill()

    assert show(f"202602{home}03").consumption_kwh == 310
    assert utility.bills(home).items[0].bill_no == f"202602{home}03"


@pytest.mark.parametrize("round_", range(5))
def test_money_that_comes_while_a_bill_is_cancelled_is_neither_lost_nor_counted_twice(
    api, utility, home, ask, decide, round_
):
    asked = ask(f"202602{home}01")

    together(lambda: decide(asked), lambda: utility.pay(home, 100_00 + round_))

    assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 100_00 + round_}
    assert utility.contradictions() == []


def test_of_two_approvals_at_the_same_moment_one_acts(api, utility, home, ask):
    path = f"{PATH}/{ask(f'202602{home}01')['cancellation_no']}/approvals"
    told = []

    together(*[lambda: told.append(api.post(path, HEAD, None, json={}).status_code)] * 2)

    assert sorted(told) == [200, 409]
    assert len(utility.bills(home).items) == 2
    assert utility.contradictions() == []


def test_an_account_whose_bill_is_cancelled_meanwhile_is_left_to_another_run(
    utility, home, ask, decide, monkeypatch
):
    """A chunk locks what was calculated; what loses its bill after that was not."""
    [other] = utility.open_accounts()
    utility.read([other], "310")
    asked = ask(f"202602{home}01")
    run = utility.start()
    utility.query(  # the run began while both had no bill
        "UPDATE evergrid.bill_run_chunk SET first_account_id = 1, last_account_id = 2^40 "
        f"WHERE bill_run_id = {run}"
    )
    utility.drain()
    utility.approve(run)
    sent = Transaction.all

    def after_the_lock(transaction, statement, **parameters):
        rows = sent(transaction, statement, **parameters)
        if statement.name.endswith("lock_accounts"):
            decide(asked)
        return rows

    monkeypatch.setattr(Transaction, "all", after_the_lock)
    utility.drain()
    monkeypatch.undo()

    assert not any(bill.is_in_force for bill in utility.bills(home).items)
    assert utility.bills(other).items[0].is_in_force
    assert utility.contradictions() == []


def test_whoever_asked_may_withdraw_but_not_approve(utility, home, ask, decide):
    asked = ask(f"202602{home}01")
    own = {"role": OFFICER, "bureau": utility.bureau}

    assert decide(asked, 403, **own)["code"] == "OWN_CANCELLATION"
    withdrawn = decide(asked, reason="It was read right.", **own)

    assert (withdrawn["state"], withdrawn["mirror_bill_no"]) == ("rejected", None)
    assert withdrawn["events"][-1]["reason"] == "It was read right."
    assert utility.bills(home).items[0].is_in_force


def test_a_decision_is_the_last_one(home, ask, decide):
    rejected, bill_no = ask(f"202602{home}01"), f"202602{home}01"
    decide(rejected, reason="no")
    approved = ask(bill_no)
    decide(approved)

    for decided in (rejected, approved):
        assert decide(decided, 409)["code"] == "CANCELLATION_DECIDED"
        assert decide(decided, 409, reason="no")["code"] == "CANCELLATION_DECIDED"


def test_an_approval_that_is_sent_again_is_answered_again(utility, home, ask, decide):
    asked = ask(f"202602{home}01")

    first = decide(asked, key="approved-once")

    assert decide(asked, key="approved-once") == first
    assert len(utility.bills(home).items) == 2


def test_one_request_at_a_time_waits_for_a_decision(home, ask):
    ask(f"202602{home}01")
    assert ask(f"202602{home}01", 409)["code"] == "CANCELLATION_PENDING"


@pytest.mark.parametrize("serial", ["01", "02"])
def test_neither_what_is_cancelled_nor_its_mirror_can_be_cancelled(home, ask, decide, serial):
    decide(ask(f"202602{home}01"))
    assert ask(f"202602{home}{serial}", 409)["code"] == "BILL_NOT_IN_FORCE"


def test_what_a_later_bill_begins_at_cannot_be_cancelled(utility, home, ask, decide):
    asked = ask(f"202602{home}01")
    utility.read([home], "500", month=MARCH)
    utility.bill(MARCH)

    assert decide(asked, 409)["code"] == "BILL_NOT_NEWEST"
    decide(asked, reason="March is billed.")
    assert ask(f"202602{home}01", 409)["code"] == "BILL_NOT_NEWEST"


def test_the_head_office_decides_about_large_amounts(utility, ask, decide):
    [shop] = utility.open_accounts(category="commercial")
    utility.read([shop], "100000")
    utility.bill()
    asked = ask(f"202602{shop}01")
    assert asked["amount_fen"] > 50_000_00

    assert decide(asked, 403, role=OFFICER)["code"] == "AMOUNT_FOR_HEAD_OFFICE"
    assert decide(asked)["state"] == "approved"


def test_an_officer_of_every_bureau_approves_what_is_not_large(home, ask, decide):
    assert decide(ask(f"202602{home}01"), role=OFFICER)["state"] == "approved"


@pytest.mark.parametrize("bill_no", ["202602999999999901", "x"])
def test_a_bill_that_nobody_has_is_unknown(ask, bill_no):
    assert ask(bill_no, 404)["code"] == "BILL_UNKNOWN"


@pytest.mark.parametrize("number", [0, 2**40, 2**63, 10**30])
def test_a_cancellation_that_nobody_asked_for_is_unknown(api, decide, number):
    assert api.get(f"{PATH}/{number}").json["code"] == "BILL_CANCELLATION_UNKNOWN"
    assert decide({"cancellation_no": number}, 404)["code"] == "BILL_CANCELLATION_UNKNOWN"


def test_a_bureau_sees_no_cancellation_of_another(api, utility, home, ask, decide):
    asked = ask(f"202602{home}01")
    path = f"{PATH}/{asked['cancellation_no']}"

    assert api.get(path, OFFICER, utility.bureau).json == asked
    assert api.get(path, OFFICER, 1).json["code"] == "BILL_CANCELLATION_UNKNOWN"
    assert decide(asked, 404, role=OFFICER, bureau=1)["code"] == "BILL_CANCELLATION_UNKNOWN"


def test_cancellations_are_listed_the_newest_first_a_page_at_a_time(
    api, utility, home, ask, decide
):
    rejected = decide(ask(f"202602{home}01"), reason="no")
    asked = ask(f"202602{home}01")

    first = api.get(f"{PATH}?limit=1", OFFICER, utility.bureau).json
    second = api.get(f"{PATH}?limit=1&cursor={first['next_cursor']}", OFFICER, utility.bureau).json

    assert [(item["cancellation_no"], item["state"]) for item in first["items"]] == [
        (asked["cancellation_no"], "requested")
    ]
    assert [(item["cancellation_no"], item["state"]) for item in second["items"]] == [
        (rejected["cancellation_no"], "rejected")
    ]
    assert second["next_cursor"] is None


@pytest.fixture
def cancel(migrated):
    """Cancel a bill in SQL, as the API's role, past every use case."""
    opened = []

    def cancelled(cancellation_no, principal_id, bureau="*"):
        connection = psycopg2.connect(migrated.dsn("evergrid_api"))
        opened.append(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"SET evergrid.bureau = '{bureau}'")
            call = f"evergrid.cancel_bill({cancellation_no}, {principal_id}, now())"
            cursor.execute(f"SELECT mirror_no FROM {call}")
            return cursor.fetchone()[0]

    yield cancelled
    for connection in opened:
        connection.close()


def test_the_database_itself_asks_for_another_hand(migrated, utility, home, caller, cancel):
    bill_no = f"202602{home}01"
    number = cancellations.ask(migrated.superuser, bill_no)
    [(asker,)] = migrated.superuser(
        "SELECT principal_id FROM evergrid.bill_cancellation_event "
        f"WHERE bill_cancellation_id = {number}"
    )
    other = caller(HEAD, None).principal_id

    for refused in ((number, asker), (number + 10**6, other), (number, other, "1")):
        with pytest.raises(psycopg2.errors.RestrictViolation):
            cancel(*refused)
    assert cancel(number, other, utility.bureau) == f"202602{home}02", "undone with its transaction"


def test_the_database_itself_keeps_what_later_bills_rest_on(
    migrated, utility, home, caller, cancel
):
    number = cancellations.ask(migrated.superuser, f"202602{home}01")
    utility.read([home], "500", month=MARCH)
    utility.bill(MARCH)

    with pytest.raises(psycopg2.errors.RestrictViolation):
        cancel(number, caller(HEAD, None).principal_id)


def test_prices_are_not_tested_on_bills_that_were_cancelled(
    utility, home, ask, decide, database, deadline
):
    def tested():
        sampled = database.read(
            lambda transaction: list(
                price_proposals.sample(
                    transaction, category="residential", month=FEBRUARY, proposal_no=1
                )
            ),
            scope="*",
            deadline=deadline,
        )
        return home in {bill.account_no for bill in sampled}

    assert tested()
    decide(ask(f"202602{home}01"))
    assert not tested()
