"""Energy at the prices of another category, over HTTP: recorded, billed, booked, taken back."""

from __future__ import annotations

import time

import pytest

from service.domain.meter_exchanges import UpgradeUnderWay
from service.store.price_proposals import sample
from tests.integration import supplies
from tests.integration.utilities import FEBRUARY, MARCH, Utility

OFFICER, HEAD = "billing_officer", "head_office"
BOTH = {"participation": "energy_and_money"}
HOMES = BOTH | {"category": "residential_collective", "fixed_kwh": 500}
FARM = BOTH | {"category": "agricultural", "share_hundredths_percent": 2000}
WANTED = {"from_month": "2026-02", "document_no": "Annex 2", "parts": [HOMES, FARM]}


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def shop(utility):
    [account_no] = utility.open_accounts(category="commercial")
    return account_no


@pytest.fixture
def record(api, utility, shop):
    """Record an apportionment; the answer must have the status expected."""

    def recorded(changed=None, status=201, *, account_no=shop, role=OFFICER):
        path = f"/v1/accounts/{account_no}/apportionments"
        answer = api.post(path, role, utility.bureau, json=WANTED | (changed or {}))
        assert answer.status_code == status, answer.text
        return answer.json

    return recorded


@pytest.fixture
def bill_of(api, utility):
    """Return an account's newest bill, as the API tells it."""

    def newest(account_no):
        bill_no = utility.bills(account_no).items[0].bill_no
        return api.get(f"/v1/bills/{bill_no}?explain=true", "auditor").json

    return newest


def lines_of(bill):
    return [
        (line["component"], line["category"], line["quantity"], line["amount_fen"])
        for line in bill["lines"]
    ]


def booked(utility):
    """Return what a bureau's books hold, in fen, by account of the books."""
    return dict(
        utility.query(
            "SELECT code, sum(amount_fen)::bigint FROM evergrid.ledger_entry "
            "WHERE bureau_id = {bureau} GROUP BY code HAVING sum(amount_fen) <> 0"
        )
    )


def test_parts_of_a_shop_are_billed_at_their_prices_and_booked_by_their_category(
    utility, shop, record, bill_of
):
    """Worked example E17b: 500, 1 900 and 7 600 of 10 000 kWh; each amount by hand."""
    record()
    utility.read([shop], "10000")
    assert utility.bill().billed == 1

    bill = bill_of(shop)
    assert lines_of(bill) == [
        ("energy", None, "7600", 3_961_88),
        ("rural_grid_loan", None, "7600", 152_00),
        ("renewable_energy_surcharge", None, "7600", 144_40),
        ("water_conservancy_fund", None, "7600", 14_96),
        ("reservoir_resettlement", None, "7600", 47_31),
        ("local_reservoir_resettlement", None, "7600", 3_80),
        ("energy", "residential_collective", "500", 279_00),
        ("energy", "agricultural", "1900", 822_89),
        ("water_conservancy_fund", "agricultural", "1900", 3_74),
    ]
    assert (bill["amount_fen"], bill["consumption_kwh"]) == (5_429_98, 10_000)
    assert "residential behind one meter" in bill["lines"][6]["legal_document"]
    assert booked(utility) == {
        "1122.01": 5_429_98,
        "2221": -582_56,
        "2241.01": -152_00,
        "2241.02": -18_70,
        "2241.03": -144_40,
        "2241.04": -47_31,
        "2241.05": -3_80,
        "6001.01": -246_90,
        "6001.02": -3_506_09,
        "6001.03": -728_22,
    }
    assert utility.contradictions() == []


def test_a_cancelled_bill_with_parts_leaves_nothing_in_the_books(
    api, utility, shop, record, bill_of
):
    record()
    utility.read([shop], "10000")
    utility.bill()
    bill = bill_of(shop)
    asked = api.post(
        "/v1/bill-cancellations", OFFICER, utility.bureau,
        json={"bill_no": bill["bill_no"], "reason": "The wrong share."},
    )  # fmt: skip
    path = f"/v1/bill-cancellations/{asked.json['cancellation_no']}/approvals"
    assert api.post(path, HEAD, None, json={}).status_code == 200
    assert booked(utility) == {}
    mirror_no = api.get(f"/v1/bills/{bill['bill_no']}", "auditor").json["cancelled_by_bill_no"]
    mirror = api.get(f"/v1/bills/{mirror_no}", "auditor").json
    assert [line["category"] for line in mirror["lines"]] == [
        line["category"] for line in bill["lines"]
    ]

    record({"parts": [FARM]})
    utility.bill()
    assert [line[1:3] for line in lines_of(bill_of(shop)) if line[0] == "energy"] == [
        (None, "8000"),
        ("agricultural", "2000"),
    ]
    assert utility.contradictions() == []


def test_whoever_looks_at_samples_sees_what_is_billed_otherwise(api, utility, shop, record):
    record()
    utility.read([shop], "10000")
    run = utility.calculated()
    [sample] = api.get(f"/v1/bill-runs/{run}/samples", "auditor").json["items"]
    assert "apportioned" in sample["rules"]
    assert [line["category"] for line in sample["lines"] if line["component"] == "energy"] == [
        None,
        "residential_collective",
        "agricultural",
    ]


def test_what_is_apportioned_after_somebody_has_looked_is_not_issued(utility, shop, record):
    utility.read([shop], "10000")
    run = utility.calculated()
    record()
    utility.approve(run)
    utility.drain()
    assert [failure.code for failure in utility.show(run).failures] == ["BILL_CHANGED"]
    assert utility.bill().billed == 1


def test_a_bill_inside_which_the_parts_changed_waits_for_somebody(utility, shop, record):
    record({"from_month": "2026-03"})
    utility.read([shop], "20000", month=MARCH)
    run = utility.bill(MARCH)
    assert [failure.code for failure in run.failures] == ["PARTS_CHANGED"]
    record()
    record({"from_month": "2026-03", "parts": []})
    assert [failure.code for failure in utility.bill(MARCH).failures] == ["PARTS_CHANGED"]


def test_a_factory_s_dormitory_takes_no_part_in_what_the_power_factor_adds(
    api, utility, migrated, record, bill_of
):
    """10 000 kWh with 10 000 kvarh are a power factor of 0.71: 9.5 % on the factory's own money."""
    shown = {"reactive": "0", "reactive_reverse": "0", "demand": "0"}
    [factory] = utility.open_accounts(category="industrial", periods=shown)
    supplies.install(utility.query, factory)
    supplies.agree(utility.query, factory)
    utility.query(
        "SET LOCAL session_replication_role = replica; "
        "UPDATE evergrid.supply_term SET power_factor_standard = 90 WHERE bureau_id = {bureau}"
    )
    record({"parts": [HOMES | {"participation": "energy_only"}]}, account_no=factory)
    utility.read([factory], "10000", periods=shown | {"reactive": "10000", "demand": "9"})
    assert utility.bill().billed == 1
    bill = bill_of(factory)
    base = sum(
        line["amount_fen"]
        for line in bill["lines"]
        if line["component"] in {"energy", "basic"} and line["category"] is None
    )
    adjustment = bill["lines"][-1]
    assert bill["two_part"]["power_factor"] == "0.71"
    assert (adjustment["quantity"], adjustment["price_yuan"]) == (str(base), "9.5")
    assert ("energy", "residential_collective", "500", 279_00) in lines_of(bill)
    assert utility.contradictions() == []


def test_the_last_word_about_a_month_holds_until_it_is_billed(api, utility, shop, record, bill_of):
    record()
    record({"parts": [FARM]})
    record({"from_month": "2026-03", "parts": []})
    utility.read([shop], "10000")
    utility.bill()
    assert [line[1] for line in lines_of(bill_of(shop)) if line[0] == "energy"] == [
        None,
        "agricultural",
    ]
    assert record(status=409)["code"] == "TERM_BILLED"
    utility.read([shop], "20000", month=MARCH)
    utility.bill(MARCH)
    assert {line[1] for line in lines_of(bill_of(shop))} == {None}, "an empty one ends it"

    kept = api.get(f"/v1/accounts/{shop}/apportionments", "auditor").json["items"]
    assert [(each["from_month"], len(each["parts"])) for each in kept] == [
        ("2026-03", 0),
        ("2026-02", 1),
        ("2026-02", 2),
    ]
    assert kept[2]["parts"][0] == HOMES | {
        "share_hundredths_percent": None,
    }
    assert kept[0]["recorded_by"] == f"{OFFICER} of {utility.bureau}"


def test_a_month_with_less_energy_than_is_fixed_is_listed_until_it_is_put_right(
    utility, shop, record, bill_of
):
    record()
    utility.read([shop], "499")
    run = utility.bill()
    assert [failure.code for failure in run.failures] == ["SUB_METERS_EXCEED_MAIN"]
    record({"parts": [HOMES | {"fixed_kwh": 99}]})
    assert utility.bill().billed == 1
    assert [line[2] for line in lines_of(bill_of(shop)) if line[0] == "energy"] == ["400", "99"]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([BOTH | {"category": "agricultural"}], "PART_AMBIGUOUS"),
        ([{"category": "agricultural", "fixed_kwh": 1}], "BODY_INVALID"),
        ([FARM | {"fixed_kwh": 1}], "PART_AMBIGUOUS"),
        ([FARM | {"category": "commercial"}], "PART_CATEGORY_UNFIT"),
        ([FARM | {"category": "residential"}], "PART_CATEGORY_UNFIT"),
        ([FARM | {"share_hundredths_percent": 9_000}] * 2, "SHARES_EXCEED_ALL"),
        ([FARM | {"share_hundredths_percent": 10_001}], "BODY_INVALID"),
        ([HOMES | {"fixed_kwh": 0}], "BODY_INVALID"),
        ([HOMES] * 11, "BODY_INVALID"),
    ],
)
def test_parts_that_cannot_be_are_refused(utility, record, parts, code):
    assert record({"parts": parts}, 422)["code"] == code


def test_a_home_is_priced_as_a_whole(utility, record):
    [home] = utility.open_accounts()
    assert record(status=422, account_no=home)["code"] == "NOT_APPORTIONABLE"
    assert record(status=404, account_no="1000000000")["code"] == "ACCOUNT_UNKNOWN"


def test_prices_of_a_part_that_have_tiers_bill_nobody(utility, shop, record):
    record({"parts": [HOMES]})
    utility.read([shop], "10000")
    version = (
        "(SELECT catalogue_version_id FROM evergrid.catalogue_version "
        "WHERE category = 'residential_collective')"
    )
    change = (
        "SET LOCAL session_replication_role = replica; "
        "UPDATE evergrid.catalogue_version SET limits_kwh = '{limits}' "
        f"WHERE catalogue_version_id = {version}; UPDATE evergrid.price_item SET tier = {{tier}} "
        f"WHERE catalogue_version_id = {version}; DELETE FROM evergrid.price_item "
        f"WHERE catalogue_version_id = {version} AND position > 1"
    )
    more = (
        "; INSERT INTO evergrid.price_item (catalogue_version_id, position, component, tier, "
        f"price_yuan_per_kwh, is_levy) VALUES ({version}, 2, 'energy', 2, 0.6, false)"
    )
    utility.query(change.replace("{limits}", "{170}").replace("{tier}", "1") + more)
    try:
        run = utility.bill()
    finally:
        utility.query(change.replace("{limits}", "{}").replace("{tier}", "NULL"))
    assert [failure.code for failure in run.failures] == ["PART_TIERED"]
    assert utility.bill().billed == 1


def test_nothing_is_apportioned_before_every_program_knows_what_that_means(
    utility, record, migrated
):
    rule = "apportionment_upgrade_check"
    migrated.superuser(
        f"ALTER TABLE evergrid.apportionment ADD CONSTRAINT {rule} CHECK (false) NOT VALID"
    )
    try:
        assert record(status=503)["code"] == UpgradeUnderWay.code
    finally:
        migrated.superuser(f"ALTER TABLE evergrid.apportionment DROP CONSTRAINT {rule}")


def test_a_test_of_prices_leaves_out_what_is_billed_by_parts(utility, shop, record):
    [other] = utility.open_accounts(category="commercial")
    record()
    utility.read([shop, other], "10000")
    assert utility.bill().billed == 2
    rated = utility.database.read(
        lambda transaction: {
            each.account_no
            for each in sample(transaction, category="commercial", month=FEBRUARY, proposal_no=1)
        },
        scope="*",
        deadline=time.monotonic() + 20,
    )
    assert other in rated
    assert shop not in rated
