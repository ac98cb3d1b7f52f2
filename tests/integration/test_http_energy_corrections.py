"""Energy that was counted wrongly, over HTTP: two hands, bills of their own, what is owed."""

from __future__ import annotations

import time
from contextlib import contextmanager

import psycopg2
import pytest

from service.domain.meter_exchanges import UpgradeUnderWay
from service.store.price_proposals import sample
from tests.integration import cancellations, energy_corrections
from tests.integration.utilities import FEBRUARY, MARCH, Utility

PATH = "/v1/energy-corrections"
OFFICER, HEAD = "billing_officer", "head_office"
DAYS = {"since": "2026-02-01", "until": "2026-02-28"}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def home(utility):
    """A home whose February is billed: 310 kWh, 193.10 yuan."""
    [account_no] = utility.open_accounts()
    utility.read([account_no], "310")
    utility.bill()
    return account_no


@pytest.fixture
def shop(utility):
    """A shop whose February is billed: 1 000 kWh."""
    [account_no] = utility.open_accounts(category="commercial")
    utility.read([account_no], "1000")
    utility.bill()
    return account_no


@pytest.fixture
def ask(api, utility):
    """Ask for a correction, as the bureau's officer."""

    def asked(of, status=201, **changed):
        sent = {"account_no": of, "reason": "Work order 118"} | DAYS | changed
        answer = api.post(PATH, OFFICER, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return asked


@pytest.fixture
def decide(api):
    """Approve a correction, or reject it for a reason; as the head office, unless it says so."""

    def decided(correction, status=200, *, role=HEAD, bureau=None, reason=None, key=None):
        path = f"{PATH}/{correction['energy_correction_no']}/"
        path += "rejections" if reason else "approvals"
        answer = api.post(path, role, bureau, key=key, json={"reason": reason} if reason else {})
        assert answer.status_code == status, answer.text
        return answer.json

    return decided


@pytest.fixture
def reverse(api, utility):
    """Ask for the reversal of a correction, as the bureau's officer."""

    def reversal(correction, status=201):
        path = f"{PATH}/{correction['energy_correction_no']}/reversals"
        answer = api.post(path, OFFICER, utility.bureau, json={"reason": "The plate was misread."})
        assert answer.status_code == status, answer.text
        return answer.json

    return reversal


@pytest.fixture
def show(api):
    """Return a bill as the API tells it."""
    return lambda bill_no: api.get(f"/v1/bills/{bill_no}?explain=true", "auditor").json


def balance(api, account_no):
    return api.get(f"/v1/accounts/{account_no}").json["balance"]


def owed(utility):
    """Return what is open on each bill of the bureau, by its number's end."""
    return dict(
        utility.query(
            "SELECT right(bill_no, 2), open_fen FROM evergrid.receivable "
            "WHERE bureau_id = {bureau} ORDER BY bill_no"
        )
    )


@contextmanager
def annual(utility):
    """Let the tiers of homes be those of a year."""
    change = (
        "DO $$ BEGIN SET LOCAL session_replication_role = replica; "
        "UPDATE evergrid.catalogue_version SET has_year_tiers = {year}, limits_kwh = '{limits}', "
        "extension_kwh = {more} WHERE catalogue_version_id = {number}; END $$"
    )
    before = utility.query(
        "SELECT catalogue_version_id, has_year_tiers, limits_kwh::text, extension_kwh "
        "FROM evergrid.catalogue_version WHERE category = 'residential'"
    )
    for number, *_ in before:
        utility.query(change.format(number=number, year=True, limits="{2760,4800}", more=100))
    try:
        yield
    finally:
        for number, year, limits, more in before:
            utility.query(change.format(number=number, year=year, limits=limits, more=more))


def booked(utility):
    return dict(
        utility.query(
            "SELECT code, sum(amount_fen)::bigint FROM evergrid.ledger_entry "
            "WHERE bureau_id = {bureau} GROUP BY code HAVING sum(amount_fen) <> 0"
        )
    )


def test_a_correction_that_is_asked_for_is_calculated_and_owed_by_nobody(utility, shop, ask):
    """Worked by hand: 500 kWh at 0.5213 yuan and five levies, each line rounded by itself."""
    before = booked(utility)

    asked = ask(shop, true_multiplier="1.5")

    assert (asked["state"], asked["cause"], asked["fact"]) == ("requested", "multiplier", "1.5")
    assert asked["calculation"] == "1000 kWh × (1.5 - 1) / 1, half up 500 kWh"
    assert (asked["base_kwh"], asked["kwh"], asked["amount_fen"]) == (1_000, 500, 284_49)
    [part] = asked["bills"]
    assert (part["bill_no"], part["days"], part["base_kwh"]) == (f"202602{shop}01", 27, 1_000)
    assert part["correction_bill_no"] is None
    assert [line["why"].split(" (")[0] for line in part["lines"]][:2] == [
        "500 kWh × 0.5213 yuan = 260.65 yuan",
        "500 kWh × 0.02 yuan = 10.00 yuan",
    ]
    assert booked(utility) == before
    assert len(utility.bills(shop).items) == 1


def test_a_correction_that_is_approved_is_a_bill_of_its_own(utility, shop, ask, decide, show):
    made = decide(ask(shop, true_multiplier="1.5"))

    [part] = made["bills"]
    number = part["correction_bill_no"]
    assert number == f"202602{shop}02"
    bill = show(number)
    assert [
        (line["component"], line["quantity"], line["amount_fen"]) for line in bill["lines"]
    ] == [
        ("energy", "500", 260_65),
        ("rural_grid_loan", "500", 10_00),
        ("renewable_energy_surcharge", "500", 9_50),
        ("water_conservancy_fund", "500", 98),
        ("reservoir_resettlement", "500", 3_11),
        ("local_reservoir_resettlement", "500", 25),
    ]
    assert bill["lines"] == part["lines"]
    assert (bill["amount_fen"], bill["open_fen"], bill["consumption_kwh"]) == (284_49, 284_49, 500)
    assert (bill["corrects_bill_no"], bill["due_on"]) == (f"202602{shop}01", "2026-05-05")
    assert bill["energy_correction_no"] == made["energy_correction_no"]
    first = show(f"202602{shop}01")
    assert (first["corrected_by_bill_nos"], first["cancelled_by_bill_no"]) == ([number], None)
    listed = [(each.is_correction, each.is_in_force) for each in utility.bills(shop).items]
    assert listed == [(True, True), (False, True)]


def test_the_books_know_what_was_made_up_for(utility, shop, ask, decide):
    before = booked(utility)
    decide(ask(shop, true_multiplier="1.5"))
    after = booked(utility)
    assert {code: after[code] - before[code] for code in after} == {
        "1122.01": 284_49,
        "2221": -29_99,
        "2241.01": -10_00,
        "2241.02": -98,
        "2241.03": -9_50,
        "2241.04": -3_11,
        "2241.05": -25,
        "6001.02": -230_66,
    }
    assert utility.contradictions() == []


def test_what_is_given_back_pays_what_is_owed(api, utility, home, ask, decide):
    """50 of the 310 kWh were in the third tier, at 0.86 yuan."""
    given = decide(ask(home, agreed_kwh=-50))
    assert (given["kwh"], given["amount_fen"]) == (-50, -43_00)
    assert balance(api, home) == {"receivable_fen": 150_10, "prepayment_fen": 0}
    assert owed(utility) == {"01": 150_10, "02": 0}
    assert utility.contradictions() == []


def test_what_is_given_back_of_a_paid_bill_is_paid_ahead(api, utility, home, ask, decide):
    utility.pay(home, 193_10)
    decide(ask(home, agreed_kwh=-200))
    # 50 of the third tier, 90 of the second, 60 of the first.
    assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 43_00 + 54_90 + 33_60}
    assert utility.contradictions() == []

    utility.read([home], "410", month=MARCH)
    utility.bill(MARCH)
    assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 131_50 - 56_00}
    assert utility.contradictions() == []


def test_what_is_made_up_for_is_paid_by_what_is_paid_ahead(api, utility, home, ask, decide):
    utility.pay(home, 200_00)
    decide(ask(home, agreed_kwh=10))
    assert balance(api, home) == {"receivable_fen": 1_70, "prepayment_fen": 0}
    assert owed(utility) == {"01": 0, "02": 1_70}
    utility.pay(home, 1_70)
    assert owed(utility) == {"01": 0, "02": 0}
    assert utility.contradictions() == []


def test_a_reversal_pays_what_it_takes_back_before_anything_else(
    utility, home, ask, decide, reverse
):
    corrected = decide(ask(home, agreed_kwh=40))
    assert owed(utility) == {"01": 193_10, "02": 34_40}
    decide(reverse(corrected))
    assert owed(utility) == {"01": 193_10, "02": 0, "03": 0}


@pytest.fixture
def paid(utility, home, ask, decide):
    """A home that has paid February and March, but not what was corrected of February: 8.60."""
    utility.pay(home, 193_10)
    utility.read([home], "410", month=MARCH)
    utility.bill(MARCH)
    utility.pay(home, 56_00)
    decide(ask(home, agreed_kwh=10))
    return home


def test_what_a_cancelled_bill_was_paid_pays_what_else_is_owed(api, utility, paid):
    assert balance(api, paid) == {"receivable_fen": 8_60, "prepayment_fen": 0}
    sent = {"bill_no": f"202603{paid}01", "reason": "misread"}
    asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    assert balance(api, paid) == {"receivable_fen": 0, "prepayment_fen": 47_40}
    assert utility.contradictions() == []


def test_what_is_due_first_is_paid_first(utility, home, ask, decide):
    """A correction of February's that is due after March's bill waits for it."""
    utility.pay(home, 193_10)
    decide(ask(home, agreed_kwh=10))
    utility.query(
        "UPDATE evergrid.receivable SET due_on = due_on + 60 "
        "WHERE bureau_id = {bureau} AND is_correction"
    )
    utility.read([home], "410", month=MARCH)
    utility.bill(MARCH)
    utility.pay(home, 56_00)
    assert utility.query(
        "SELECT to_char(month, 'MM'), serial, open_fen FROM evergrid.receivable "
        "WHERE bureau_id = {bureau} ORDER BY month, serial"
    ) == [("02", 1, 0), ("02", 2, 8_60), ("03", 1, 0)]


@pytest.mark.parametrize("kwh", [40, -40])
def test_a_reversal_takes_back_every_fen(api, utility, home, ask, decide, reverse, kwh):
    before, money = booked(utility), balance(api, home)
    corrected = decide(ask(home, agreed_kwh=kwh))
    assert booked(utility) != before

    reversal = reverse(corrected)
    assert (reversal["cause"], reversal["kwh"]) == ("reversal", -kwh)
    assert reversal["reverses_no"] == corrected["energy_correction_no"]
    decide(reversal)

    assert booked(utility) == before
    assert balance(api, home) == money
    told = api.get(f"{PATH}/{corrected['energy_correction_no']}").json
    assert told["reversed_by_no"] == reversal["energy_correction_no"]
    assert reverse(corrected, 409)["code"] == "ENERGY_CORRECTION_NOT_REVERSIBLE"
    assert reverse(reversal, 409)["code"] == "ENERGY_CORRECTION_NOT_REVERSIBLE"
    assert utility.contradictions() == []

    again = decide(ask(home, agreed_kwh=kwh))
    decide(reverse(again))
    assert booked(utility) == before
    assert utility.contradictions() == []


def test_two_months_are_corrected_by_a_bill_each(utility, home, ask, decide, show):
    utility.read([home], "400", month=MARCH)
    utility.bill(MARCH)

    made = decide(ask(home, until="2026-03-31", agreed_kwh=58))

    assert [(part["bill_no"][:6], part["days"], part["kwh"]) for part in made["bills"]] == [
        ("202602", 27, 27),
        ("202603", 31, 31),
    ]
    # February was in its third tier, March, 90 kWh, is in its first.
    assert [part["amount_fen"] for part in made["bills"]] == [23_22, 17_36]
    assert show(f"202603{home}02")["corrects_bill_no"] == f"202603{home}01"
    assert utility.contradictions() == []


def test_a_meter_s_error_counts_for_half_of_the_time_and_that_time_is_not_halved_again(
    utility, shop, ask, decide
):
    asked = decide(ask(shop, since="2026-02-01", until="2026-02-27", meter_error="-0.1"))
    days = (asked["since"], asked["counts_from"], asked["until"])
    assert days == ("2026-02-01", "2026-02-14", "2026-02-27")
    assert (asked["base_kwh"], asked["kwh"]) == (481, 53)
    refused = ask(shop, 409, since="2026-02-01", until="2026-02-14", meter_error="-0.1")
    assert refused["code"] == "ENERGY_CORRECTION_OVERLAPS"


def test_days_beside_each_other_are_corrected_one_behind_the_other(utility, home, ask, decide):
    """E01's tiers end at 170 and 260 kWh: 310 were billed, the 60 that come back end the third."""
    decide(ask(home, until="2026-02-14", agreed_kwh=-60))
    second = decide(ask(home, since="2026-02-14", agreed_kwh=-100))
    assert second["amount_fen"] == -(80 * 61 + 20 * 56)
    assert utility.contradictions() == []


def test_a_bill_gives_back_no_more_than_what_its_corrections_have_left(home, ask, decide):
    decide(ask(home, until="2026-02-14", agreed_kwh=-300))
    refused = ask(home, 422, since="2026-02-14", agreed_kwh=-11)
    assert refused["code"] == "CORRECTION_EXCEEDS_BILL"
    assert decide(ask(home, since="2026-02-14", agreed_kwh=-10))["kwh"] == -10


def test_a_reversal_gives_back_no_more_than_what_is_left(home, ask, decide, reverse):
    made = decide(ask(home, until="2026-02-14", agreed_kwh=200))
    decide(ask(home, since="2026-02-14", agreed_kwh=-400))
    assert reverse(made, 422)["code"] == "CORRECTION_EXCEEDS_BILL"


def test_a_month_is_read_and_billed_as_if_nothing_had_been_corrected(
    utility, home, ask, decide, show
):
    decide(ask(home, agreed_kwh=5_000))
    utility.read([home], "600", month=MARCH)
    run = utility.bill(MARCH)
    assert (run.billed, run.failures) == (1, ())
    assert show(f"202603{home}01")["consumption_kwh"] == 290


def test_a_bill_is_cancelled_and_billed_anew_after_its_corrections_are_reversed(
    api, utility, home, ask, decide, reverse, show
):
    def cancel(status):
        sent = {"bill_no": f"202602{home}01", "reason": "misread"}
        answer = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    made = decide(ask(home, agreed_kwh=40))
    assert cancel(409)["code"] == "BILL_CORRECTED"
    decide(reverse(made))
    path = f"/v1/bill-cancellations/{cancel(201)['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    assert show(f"202602{home}01")["cancelled_by_bill_no"] == f"202602{home}04"
    assert balance(api, home) == {"receivable_fen": 0, "prepayment_fen": 0}
    utility.bill()
    assert [bill.bill_no[-2:] for bill in utility.bills(home).items if not bill.is_correction] == [
        "05", "04", "01",
    ]  # fmt: skip
    assert utility.contradictions() == []


def test_corrections_that_come_to_nothing_together_still_rest_on_their_bill(
    api, utility, home, ask, decide, reverse
):
    def cancel():
        sent = {"bill_no": f"202602{home}01", "reason": "misread"}
        return api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json

    more = decide(ask(home, until="2026-02-14", agreed_kwh=40))
    less = decide(ask(home, since="2026-02-14", agreed_kwh=-40))
    assert cancel()["code"] == "BILL_CORRECTED"
    decide(reverse(more))
    assert cancel()["code"] == "BILL_CORRECTED"
    decide(reverse(less))
    assert cancel()["state"] == "requested"
    assert utility.contradictions() == []


def test_a_later_bill_of_the_year_is_cancelled_and_billed_anew_as_if_all_came_in_order(
    api, utility, ask, decide, reverse
):
    """2 530 kWh are in the first tier of a year that begins with February, 4 400 end the second."""

    def tiers():
        return dict(
            utility.query(
                "SELECT tier, sum(quantity_kwh)::bigint FROM evergrid.bill_line "
                "WHERE bureau_id = {bureau} AND tier IS NOT NULL "
                "GROUP BY tier HAVING sum(quantity_kwh) <> 0"
            )
        )

    def bill_anew(home):
        bill_no = next(
            bill.bill_no for bill in utility.bills(home).items
            if bill.month == "2026-03" and bill.is_in_force
        )  # fmt: skip
        sent = {"bill_no": bill_no, "reason": "misread"}
        asked = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
        path = f"/v1/bill-cancellations/{asked['cancellation_no']}/approvals"
        assert api.post(path, HEAD, None, json={}).status_code == 200
        assert utility.bill(MARCH).billed == 1

    with annual(utility):
        [home] = utility.open_accounts()
        utility.read([home], "310")
        utility.bill()
        corrected = decide(ask(home, agreed_kwh=2_000))
        utility.read([home], "710", month=MARCH)
        utility.bill(MARCH)  # 400 kWh behind 2 310: 220, then 180
        assert tiers() == {1: 2_530, 2: 180}
        bill_anew(home)
        assert tiers() == {1: 2_530, 2: 180}
        decide(reverse(corrected))
        assert tiers() == {1: 710}
        bill_anew(home)
        assert tiers() == {1: 710}
    assert utility.contradictions() == []


def test_what_was_billed_before_a_household_grew_stays(utility, ask, decide):
    """
    2 600 kWh of February, ten of them corrected, are 70 over the first tier of its year.

    A household of five has 1 100 kWh more in the first tier from March on: March's 100 are in it.
    """
    with annual(utility):
        [account_no] = utility.open_accounts()
        utility.read([account_no], "2590")
        utility.bill()
        decide(ask(account_no, agreed_kwh=10))
        utility.know(account_no, "2026-03", persons=5)
        utility.read([account_no], "2690", month=MARCH)
        utility.bill(MARCH)
    march = utility.query(
        "SELECT tier, quantity_kwh FROM evergrid.bill_line WHERE bureau_id = {bureau} "
        "AND month = '2026-03-01' AND tier IS NOT NULL AND quantity_kwh <> 0"
    )
    assert march == [(1, 100)]


def test_a_cancellation_that_waited_is_refused_after_a_correction(api, utility, home, ask, decide):
    sent = {"bill_no": f"202602{home}01", "reason": "misread"}
    waiting = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    decide(ask(home, agreed_kwh=40))
    path = f"/v1/bill-cancellations/{waiting['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).json["code"] == "BILL_CORRECTED"


def test_a_correction_itself_is_not_cancelled(api, utility, home, ask, decide):
    decide(ask(home, agreed_kwh=40))
    sent = {"bill_no": f"202602{home}02", "reason": "wrong"}
    refused = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent)
    assert refused.json["code"] == "BILL_NOT_IN_FORCE"


def test_a_correction_that_comes_to_something_else_by_now_is_asked_for_anew(
    utility, home, ask, decide
):
    """Another price list holds from the middle of February on."""
    asked = ask(home, agreed_kwh=40)
    utility.query(
        "WITH published AS (INSERT INTO evergrid.catalogue_version (category, legal_document, "
        "valid_from, published_at, limits_kwh, has_year_tiers, extension_kwh) SELECT category, "
        "'dearer', '2026-02-15', published_at, limits_kwh, has_year_tiers, extension_kwh "
        "FROM evergrid.catalogue_version WHERE category = 'residential' "
        "ORDER BY valid_from DESC LIMIT 1 RETURNING catalogue_version_id) "
        "INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, tier, "
        "price_yuan_per_kwh, is_levy) SELECT published.catalogue_version_id, item.position, "
        "item.component, item.period, item.tier, item.price_yuan_per_kwh + 1, item.is_levy "
        "FROM published, evergrid.price_item AS item WHERE item.catalogue_version_id = "
        "(SELECT catalogue_version_id FROM evergrid.catalogue_version "
        "WHERE category = 'residential' ORDER BY valid_from DESC LIMIT 1)"
    )
    try:
        assert decide(asked, 409)["code"] == "ENERGY_CORRECTION_STALE"
    finally:
        utility.query(
            "DO $$ BEGIN SET LOCAL session_replication_role = replica; "
            "DELETE FROM evergrid.price_item WHERE catalogue_version_id = "
            "(SELECT catalogue_version_id FROM evergrid.catalogue_version "
            "WHERE legal_document = 'dearer'); DELETE FROM evergrid.catalogue_version "
            "WHERE legal_document = 'dearer'; END $$"
        )


def test_a_correction_whose_bill_was_billed_anew_is_asked_for_anew(api, utility, home, ask, decide):
    asked = ask(home, agreed_kwh=40)
    sent = {"bill_no": f"202602{home}01", "reason": "misread"}
    waiting = api.post("/v1/bill-cancellations", OFFICER, utility.bureau, json=sent).json
    path = f"/v1/bill-cancellations/{waiting['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    assert decide(asked, 409)["code"] == "ENERGY_CORRECTION_STALE"  # no bill at all
    utility.bill()
    assert decide(asked, 409)["code"] == "ENERGY_CORRECTION_STALE"  # another bill
    decide(asked, reason="Another bill.")
    assert decide(ask(home, agreed_kwh=40))["state"] == "approved"


def test_whoever_asked_may_withdraw_but_not_approve(utility, home, ask, decide):
    asked = ask(home, agreed_kwh=40)
    own = {"role": OFFICER, "bureau": utility.bureau}
    assert decide(asked, 403, **own)["code"] == "OWN_ENERGY_CORRECTION"
    withdrawn = decide(asked, reason="It was right.", **own)
    assert withdrawn["state"] == "rejected"
    assert withdrawn["events"][-1]["reason"] == "It was right."
    assert owed(utility) == {"01": 193_10}


def test_a_decision_is_the_last_one(home, ask, decide):
    rejected = ask(home, agreed_kwh=40)
    decide(rejected, reason="no")
    approved = ask(home, agreed_kwh=40)
    first = decide(approved, key="approved-energy-once")
    assert decide(approved, key="approved-energy-once") == first
    for decided in (rejected, approved):
        assert decide(decided, 409)["code"] == "ENERGY_CORRECTION_DECIDED"
        assert decide(decided, 409, reason="no")["code"] == "ENERGY_CORRECTION_DECIDED"


def test_one_request_of_an_account_waits_and_no_day_is_corrected_twice(home, ask, decide, reverse):
    asked = ask(home, agreed_kwh=40)
    assert ask(home, 409, agreed_kwh=1)["code"] == "ENERGY_CORRECTION_PENDING"
    decide(asked)
    refused = ask(home, 409, since="2026-02-27", agreed_kwh=1)
    assert refused["code"] == "ENERGY_CORRECTION_OVERLAPS"
    waiting = reverse(asked)
    assert reverse(asked, 409)["code"] == "ENERGY_CORRECTION_PENDING"
    decide(waiting)
    assert ask(home, wiring_factor="1.5")["state"] == "requested"


def test_an_officer_decides_about_no_large_amount_piece_by_piece(utility, ask, decide):
    [shop] = utility.open_accounts(category="commercial")
    utility.read([shop], "100000")
    utility.bill()
    assert decide(ask(shop, until="2026-02-14", agreed_kwh=-45_000), role=OFFICER)
    rest = ask(shop, since="2026-02-14", agreed_kwh=-45_000)
    assert abs(rest["amount_fen"]) < 50_000_00
    assert decide(rest, 403, role=OFFICER)["code"] == "AMOUNT_FOR_HEAD_OFFICE"
    assert decide(rest)["state"] == "approved"


def test_the_head_office_decides_about_large_amounts(utility, ask, decide):
    [shop] = utility.open_accounts(category="commercial")
    utility.read([shop], "100000")
    utility.bill()
    asked = ask(shop, agreed_kwh=-90_000)
    assert asked["amount_fen"] < -50_000_00
    assert decide(asked, 403, role=OFFICER)["code"] == "AMOUNT_FOR_HEAD_OFFICE"
    assert decide(asked)["state"] == "approved"


def test_an_officer_of_every_bureau_approves_what_is_not_large(home, ask, decide):
    assert decide(ask(home, agreed_kwh=1), role=OFFICER)["state"] == "approved"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({}, 422, "FAULT_AMBIGUOUS"),
        ({"agreed_kwh": 1, "wiring_factor": "2"}, 422, "FAULT_AMBIGUOUS"),
        ({"meter_error": "-1"}, 422, "FAULT_IMPLAUSIBLE"),
        ({"true_multiplier": "0"}, 422, "FAULT_IMPLAUSIBLE"),
        ({"agreed_kwh": 1, "until": "2026-02-01"}, 422, "DAYS_BACKWARDS"),
        ({"agreed_kwh": 1, "until": "2026-04-16"}, 422, "DAYS_BACKWARDS"),
        ({"agreed_kwh": 1, "until": "2026-03-02"}, 409, "DAYS_UNBILLED"),
        ({"agreed_kwh": 1, "since": "2026-01-31"}, 409, "DAYS_UNBILLED"),
        ({"agreed_kwh": 1, "since": "0001-01-01"}, 409, "DAYS_UNBILLED"),
        ({"agreed_kwh": -311}, 422, "CORRECTION_EXCEEDS_BILL"),
        ({"agreed_kwh": 0}, 422, "NOTHING_TO_CORRECT"),
        ({"meter_error": "x"}, 422, "BODY_INVALID"),
        ({"agreed_kwh": 1, "account_no": "9999999999"}, 404, "ACCOUNT_UNKNOWN"),
    ],
)
def test_bad_requests_are_refused_and_leave_nothing(utility, home, ask, changed, status, code):
    assert ask(home, status, **changed)["code"] == code
    assert utility.query(
        "SELECT count(*) FROM evergrid.energy_correction WHERE bureau_id = {bureau}"
    ) == [(0,)]


@pytest.mark.parametrize("number", [0, 10**9, 2**70])
def test_a_correction_that_nobody_asked_for_is_unknown(api, decide, reverse, number):
    assert api.get(f"{PATH}/{number}").json["code"] == "ENERGY_CORRECTION_UNKNOWN"
    named = {"energy_correction_no": number}
    assert decide(named, 404)["code"] == "ENERGY_CORRECTION_UNKNOWN"
    assert decide(named, 404, reason="no")["code"] == "ENERGY_CORRECTION_UNKNOWN"
    assert reverse(named, 404)["code"] == "ENERGY_CORRECTION_UNKNOWN"


def test_only_what_was_approved_is_reversed(home, ask, decide, reverse):
    asked = ask(home, agreed_kwh=40)
    assert reverse(asked, 409)["code"] == "ENERGY_CORRECTION_NOT_REVERSIBLE"


def test_a_bureau_sees_no_correction_of_another(api, utility, home, ask, decide):
    asked = ask(home, agreed_kwh=40)
    path = f"{PATH}/{asked['energy_correction_no']}"
    assert api.get(path, OFFICER, utility.bureau).json == asked
    assert api.get(path, OFFICER, 1).json["code"] == "ENERGY_CORRECTION_UNKNOWN"
    assert decide(asked, 404, role=OFFICER, bureau=1)["code"] == "ENERGY_CORRECTION_UNKNOWN"
    listed = api.get(PATH, OFFICER, 1).json["items"]
    assert asked["energy_correction_no"] not in {item["energy_correction_no"] for item in listed}


def test_corrections_are_listed_the_newest_first_a_page_at_a_time(api, utility, home, ask, decide):
    rejected = ask(home, agreed_kwh=40)
    decide(rejected, reason="no")
    asked = ask(home, agreed_kwh=41)

    first = api.get(f"{PATH}?limit=1", OFFICER, utility.bureau).json
    second = api.get(f"{PATH}?limit=1&cursor={first['next_cursor']}", OFFICER, utility.bureau).json

    assert first["items"] == [
        {
            "energy_correction_no": asked["energy_correction_no"], "state": "requested",
            "account_no": home,
            "cause": "agreed", "kwh": 41, "amount_fen": asked["amount_fen"],
        }
    ]  # fmt: skip
    assert [(item["energy_correction_no"], item["state"]) for item in second["items"]] == [
        (rejected["energy_correction_no"], "rejected")
    ]
    assert second["next_cursor"] is None


def test_what_two_meters_measured_is_corrected_by_agreement(api, utility, home, ask):
    utility.query(
        "DO $$ BEGIN SET LOCAL session_replication_role = replica; UPDATE evergrid.meter "
        "SET removed_at = '2026-02-15 10:00+08' WHERE bureau_id = {bureau}; END $$"
    )
    assert ask(home, 409, wiring_factor="1.5")["code"] == "SEVERAL_METERS"
    assert ask(home, agreed_kwh=7)["state"] == "requested"


def test_a_caller_who_may_not_ask_is_told_so_before_what_is_wrong(api, utility, home):
    sent = {"account_no": home, "reason": "x"} | DAYS
    answer = api.post(PATH, "hall_clerk", utility.bureau, json=sent)
    assert answer.json["code"] == "ROLE_FORBIDDEN"


def test_annual_tiers_go_on_behind_a_correction_wherever_it_is_of(utility, ask, decide):
    """The seed's homes have tiers of the month; here they are the year's: 2 760 and 4 800 kWh."""
    with annual(utility):
        [home] = utility.open_accounts()
        utility.read([home], "310")
        utility.bill()
        made = decide(ask(home, agreed_kwh=2_500))
        # It was opened in February: eleven twelfths, 2 530 kWh, of which 310 were billed.
        assert [(line["tier"], line["quantity"]) for line in made["bills"][0]["lines"]] == [
            (1, "2220"),
            (2, "280"),
        ]
        utility.read([home], "410", month=MARCH)
        utility.bill(MARCH)
        march = utility.query(
            "SELECT tier, quantity_kwh FROM evergrid.bill_line WHERE bureau_id = {bureau} "
            "AND month = '2026-03-01' AND component = 'energy' AND quantity_kwh <> 0"
        )
        assert march == [(2, 100)]


def test_what_is_billed_by_parts_is_not_corrected(api, utility, ask):
    [account_no] = utility.open_accounts(category="commercial")
    part = {
        "category": "agricultural",
        "share_hundredths_percent": 2000,
        "participation": "energy_only",
    }
    sent = {"from_month": "2026-02", "document_no": "Annex 2", "parts": [part]}
    path = f"/v1/accounts/{account_no}/apportionments"
    assert api.post(path, OFFICER, utility.bureau, json=sent).status_code == 201
    utility.read([account_no], "1000")
    utility.bill()
    assert ask(account_no, 409, agreed_kwh=1)["code"] == "BILL_HAS_PARTS"


def test_prices_are_not_tested_on_corrections(utility, home, ask, decide):
    def tested():
        return utility.database.read(
            lambda transaction: [
                each.energy.total_kwh
                for each in sample(
                    transaction, category="residential", month=FEBRUARY, proposal_no=1
                )
                if each.account_no == home
            ],
            scope="*",
            deadline=time.monotonic() + 20,
        )

    assert tested() == [310]
    decide(ask(home, agreed_kwh=40))
    assert tested() == []


def test_a_correction_waits_for_a_whole_release(migrated, home, ask):
    rule = "energy_correction_upgrade_check"
    migrated.superuser(
        f"ALTER TABLE evergrid.energy_correction ADD CONSTRAINT {rule} CHECK (false) NOT VALID"
    )
    try:
        assert ask(home, 503, agreed_kwh=1)["code"] == UpgradeUnderWay.code
    finally:
        migrated.superuser(f"ALTER TABLE evergrid.energy_correction DROP CONSTRAINT {rule}")


@pytest.fixture
def correct(migrated):
    """Correct energy in SQL, as the API's role, past every use case; undone with the test."""
    opened = []

    def corrected(correction_no, principal_id, bureau="*"):
        connection = psycopg2.connect(migrated.dsn("evergrid_api"))
        opened.append(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"SET evergrid.bureau = '{bureau}'")
            call = f"evergrid.correct_energy({correction_no}, {principal_id}, now(), '2026-05-05')"
            cursor.execute(f"SELECT issued_no FROM {call}")
            return [number for (number,) in cursor.fetchall()]

    yield corrected
    for connection in opened:
        connection.close()


def test_the_database_itself_asks_for_another_hand(migrated, utility, home, caller, correct):
    number = energy_corrections.ask(utility, home)
    [(asker,)] = migrated.superuser(
        "SELECT principal_id FROM evergrid.energy_correction_event "
        f"WHERE energy_correction_id = {number}"
    )
    other = caller(HEAD, None).principal_id

    for refused in ((number, asker), (number + 10**6, other), (number, other, "1")):
        with pytest.raises(psycopg2.errors.RestrictViolation):
            correct(*refused)
    assert correct(number, other, utility.bureau) == [f"202602{home}02"]


def test_the_database_itself_adds_up_what_it_issues(migrated, utility, home, caller, correct):
    number = energy_corrections.ask(utility, home)
    migrated.superuser(
        "ALTER TABLE evergrid.energy_correction_bill DISABLE TRIGGER ALL; "
        "UPDATE evergrid.energy_correction_bill SET amount_fen = amount_fen + 1 "
        f"WHERE energy_correction_id = {number}; "
        "ALTER TABLE evergrid.energy_correction_bill ENABLE TRIGGER ALL"
    )
    with pytest.raises(psycopg2.errors.RestrictViolation):
        correct(number, caller(HEAD, None).principal_id)


def test_the_database_itself_reverses_once(utility, home, ask, decide, reverse, caller, correct):
    made = decide(ask(home, agreed_kwh=40))
    reversal = reverse(made)
    decide(reversal)
    [(again,)] = utility.query(
        "INSERT INTO evergrid.energy_correction (bureau_id, account_id, cause, reverses_id, "
        "since_day, from_day, until_day, calculation, base_kwh, kwh) SELECT bureau_id, "
        "account_id, cause, reverses_id, since_day, from_day, until_day, calculation, base_kwh, "
        "kwh FROM evergrid.energy_correction WHERE energy_correction_id = "
        f"{reversal['energy_correction_no']} RETURNING energy_correction_id"
    )
    utility.query(
        "INSERT INTO evergrid.energy_correction_event SELECT "
        f"{again}, 1, bureau_id, step, principal_id, happened_at, reason "
        "FROM evergrid.energy_correction_event WHERE position = 1 "
        f"AND energy_correction_id = {reversal['energy_correction_no']}"
    )
    with pytest.raises(psycopg2.errors.RestrictViolation, match="was reversed"):
        correct(again, caller(HEAD, None).principal_id)


def test_the_database_itself_keeps_a_bill_that_was_corrected(migrated, utility, home, caller):
    cancellation_no = cancellations.ask(migrated.superuser, f"202602{home}01")
    energy_corrections.ask(utility, home, is_approved=True)
    other = caller(HEAD, None).principal_id
    connection = psycopg2.connect(migrated.dsn("evergrid_api"))
    with connection.cursor() as cursor:
        cursor.execute("SET evergrid.bureau = '*'")
        with pytest.raises(psycopg2.errors.RestrictViolation, match="was corrected"):
            cursor.execute(f"SELECT evergrid.cancel_bill({cancellation_no}, {other}, now())")
    connection.close()
