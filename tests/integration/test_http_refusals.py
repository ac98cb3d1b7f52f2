"""Bad input of every kind: a problem with a stable code and a hint, and nothing half-written."""

from __future__ import annotations

import io
import json

import pytest
from falcon import testing

from service.api.app import create_app
from service.api.bodies import JSON_MAX_BYTES, NDJSON_MAX_BYTES
from service.domain import account_numbers
from service.store.database import Database
from tests.integration.sign_ins import IDENTITY

PAYMENT = {"account_no": "1000000006", "amount_fen": 100, "channel": "hall", "channel_serial": "S"}
NOBODY = account_numbers.account_no(999_999_999)


def assert_problem(result, status, code):
    assert (result.status_code, result.json["code"]) == (status, code), result.text
    assert result.headers["content-type"] == "application/problem+json"
    problem = result.json
    assert problem["status"] == status
    assert problem["type"] == f"/docs#{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["hint"]
    assert problem["request_id"] == result.headers["x-request-id"]


@pytest.fixture
def rows(migrated):
    """Count everything that a request could have written."""
    tables = ("account", "meter", "reading", "payment", "allocation", "prepayment_lot", "journal")
    tables += ("ledger_entry", "bill_run", "bill_run_chunk", "idempotency_key")

    counts = ", ".join(f"(SELECT count(*) FROM evergrid.{table})" for table in tables)

    def counted():
        return dict(zip(tables, migrated.superuser(f"SELECT {counts}")[0], strict=True))

    return counted


@pytest.mark.parametrize(
    ("changed", "status", "code", "fields"),
    [
        ({"amount_fen": "100"}, 422, "BODY_INVALID", ["amount_fen"]),
        ({"amount_fen": 100.0}, 422, "BODY_INVALID", ["amount_fen"]),
        ({"amount_fen": 0.1}, 422, "BODY_INVALID", ["amount_fen"]),
        ({"amount_fen": True}, 422, "BODY_INVALID", ["amount_fen"]),
        ({"amount_fen": None}, 422, "BODY_INVALID", ["amount_fen"]),
        ({"amount_fen": 0}, 422, "AMOUNT_NOT_POSITIVE", None),
        ({"amount_fen": -1}, 422, "AMOUNT_NOT_POSITIVE", None),
        ({"amount_fen": 10**30}, 422, "AMOUNT_TOO_LARGE", None),
        ({"account_no": 1000000006}, 422, "BODY_INVALID", ["account_no"]),
        ({"account_no": ""}, 422, "BODY_INVALID", ["account_no"]),
        ({"account_no": NOBODY}, 404, "ACCOUNT_UNKNOWN", None),
        ({"account_no": "not a number"}, 404, "ACCOUNT_UNKNOWN", None),
        ({"channel_serial": "S\x00"}, 422, "BODY_INVALID", ["channel_serial"]),
        ({"channel_serial": "S" * 201}, 422, "BODY_INVALID", ["channel_serial"]),
        ({"ammount_fen": 5}, 422, "BODY_INVALID", ["ammount_fen"]),
        ({"amount_fen": "1", "x": 1}, 422, "BODY_INVALID", ["amount_fen", "x"]),
    ],
)  # fmt: skip
def test_a_payment_that_cannot_be_is_refused(api, rows, changed, status, code, fields):
    before = rows()
    refused = api.post("/v1/payments", "hall_clerk", json=PAYMENT | changed)
    assert_problem(refused, status, code)
    assert [field["path"] for field in refused.json.get("fields", [])] == (fields or [])
    assert rows() == before


def test_every_field_that_is_missing_is_named(api):
    refused = api.post("/v1/payments", "hall_clerk", json={})
    assert_problem(refused, 422, "BODY_INVALID")
    assert [field["path"] for field in refused.json["fields"]] == list(PAYMENT)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "BODY_MALFORMED"),
        (b"{", "BODY_MALFORMED"),
        (b"{'amount_fen': 1}", "BODY_MALFORMED"),
        (b'{"amount_fen": NaN}', "BODY_MALFORMED"),
        (b'{"amount_fen": Infinity}', "BODY_MALFORMED"),
        (b'{"channel": "\xff"}', "BODY_MALFORMED"),
        (b'{"\xff": 1}', "BODY_MALFORMED"),
        (b'{"channel": "\\ud800"}', "BODY_MALFORMED"),
        (b'{"channel": "\xed\xa0\x80"}', "BODY_MALFORMED"),
        ("{}".encode("utf-16"), "BODY_MALFORMED"),
        (b"[" * 100_000, "BODY_MALFORMED"),
        (b'{"channel": ' + b"[" * 100_000, "BODY_MALFORMED"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "BODY_MALFORMED"),
        (b"[]", "BODY_INVALID"),
        (b"null", "BODY_INVALID"),
        (b"1e999", "BODY_MALFORMED"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(api, rows, raw, code):
    before = rows()
    refused = api.post("/v1/payments", "hall_clerk", body=raw, content_type="application/json")
    assert_problem(refused, {"BODY_MALFORMED": 400, "BODY_INVALID": 422}[code], code)
    assert rows() == before


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_body_of_another_format_is_refused(api, content_type):
    refused = api.post("/v1/payments", "hall_clerk", body=b"{}", content_type=content_type)
    assert_problem(refused, 415, "MEDIA_TYPE_UNSUPPORTED")


def test_the_format_may_name_its_encoding(api):
    answered = api.post(
        "/v1/payments", "hall_clerk", body=b"{}", content_type="Application/JSON; charset=utf-8"
    )
    assert_problem(answered, 422, "BODY_INVALID")


@pytest.mark.parametrize("key", [None, "", " ", "with space", "é", "k" * 256])
def test_an_act_without_a_usable_key_is_refused(client, token, key):
    headers = {"Authorization": f"Bearer {token('hall_clerk')}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    assert_problem(
        client.simulate_post("/v1/payments", headers=headers, json=PAYMENT),
        400,
        "IDEMPOTENCY_KEY_MISSING",
    )


class Endless(io.RawIOBase):
    """A body without an end, which notices how much of it was read."""

    taken = 0

    def read(self, size=-1):
        assert size >= 0, "an endless body was read to its end"
        self.taken += size
        return b" " * size


@pytest.mark.parametrize(
    ("path", "role", "media_type", "limit"),
    [
        ("/v1/payments", "hall_clerk", "application/json", JSON_MAX_BYTES),
        ("/v1/account-imports", "data_migrator", "application/x-ndjson", NDJSON_MAX_BYTES),
    ],
)
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_of_fifty_megabytes_is_refused_without_reading_it(
    client, token, path, role, media_type, limit, is_chunked
):
    body = Endless()
    environ = testing.create_environ(
        path,
        method="POST",
        headers={
            "Authorization": f"Bearer {token(role)}",
            "Content-Type": media_type,
            "Idempotency-Key": "50MB",
        },
    )
    environ["wsgi.input"] = body
    environ |= (
        {"HTTP_TRANSFER_ENCODING": "chunked"} if is_chunked else {"CONTENT_LENGTH": str(50_000_000)}
    )
    answered = testing.StartResponseMock()
    content = b"".join(client.app(environ, answered))
    assert answered.status.startswith("413")
    assert b"BODY_TOO_LARGE" in content
    assert body.taken == (limit + 1 if is_chunked else 0)


def test_a_month_that_is_not_over_is_not_billed(api, rows):
    before = rows()
    for month in ("2026-04", "2026-05", "2027-01"):
        refused = api.post("/v1/bill-runs", "billing_officer", json={"month": month, "bureau": 1})
        assert_problem(refused, 422, "MONTH_NOT_CLOSED")
    assert rows() == before


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-0", "March", "0000-01", "2026-03-01", "٢٠٢٦-٠٣"]
)
def test_what_is_no_month_is_refused(api, month):
    refused = api.post("/v1/bill-runs", "billing_officer", json={"month": month, "bureau": 1})
    assert_problem(refused, 422, "MONTH_MALFORMED")


def test_a_bureau_that_there_is_not_is_not_billed(api):
    refused = api.post(
        "/v1/bill-runs", "head_office", None, json={"month": "2026-03", "bureau": 98}
    )
    assert_problem(refused, 404, "BUREAU_UNKNOWN")


def test_a_reading_from_the_future_is_refused_by_itself(api, rows, account_no):
    before = rows()["reading"]
    future = {
        "account_no": account_no,
        "register": "5",
        "read_at": "2027-01-01T00:00:00+08:00",
        "source": "manual",
    }
    posted = api.post("/v1/readings", "reader", json={"readings": [future]})
    assert posted.status_code == 200, posted.text
    (result,) = posted.json["results"]
    assert (result["status"], result["code"]) == ("refused", "READING_IN_FUTURE")
    assert rows()["reading"] == before


@pytest.mark.parametrize(
    "changed",
    [
        {"register": 5},
        {"register": 5.5},
        {"read_at": "2026-04-01"},
        {"read_at": "2026-04-01T00:00:00"},
        {"read_at": "yesterday"},
        {"source": None},
        {"is_roll_over_confirmed": "yes"},
        {"unknown": 1},
    ],
)
def test_a_reading_of_the_wrong_shape_refuses_its_batch(api, rows, account_no, changed):
    before = rows()
    reading = {
        "account_no": account_no,
        "register": "5",
        "read_at": "2026-04-01T00:00:00+08:00",
        "source": "manual",
    }
    refused = api.post("/v1/readings", "reader", json={"readings": [reading | changed]})
    assert_problem(refused, 422, "BODY_INVALID")
    assert [field["path"].partition(".")[0] for field in refused.json["fields"]] == [
        "readings[0]"
    ] or "unknown" in changed
    assert rows() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"account_no": "1\x00"},
        {"account_no": "nobody"},
        {"register": "1\x00"},
        {"register": "NaN"},
        {"register": "1e9"},
        {"register": "-1"},
        {"register": "9" * 60},
        {"source": "\x00"},
        {"read_at": "0001-01-01T00:00:00+08:00"},
        {"read_at": "9999-12-31T23:59:59-08:00"},
    ],
)
def test_a_reading_that_cannot_be_true_is_refused_by_itself(api, account_no, changed):
    reading = {
        "account_no": account_no,
        "register": "5",
        "read_at": "2026-04-01T00:00:00+08:00",
        "source": "manual",
    }
    posted = api.post("/v1/readings", "reader", json={"readings": [reading | changed]})
    assert posted.status_code == 200, posted.text
    assert [result["status"] for result in posted.json["results"]] == ["refused"]


def test_half_an_import_is_no_import(api, new_account, migrated):
    whole = json.dumps(new_account()).encode() + b"\n"
    cut_off = api.post(
        "/v1/account-imports",
        "data_migrator",
        body=whole,
        headers={"Content-Type": "application/x-ndjson", "Content-Length": str(len(whole) + 500)},
    )
    assert_problem(cut_off, 400, "BODY_INCOMPLETE")


def test_an_import_refuses_each_bad_line_by_itself(send_lines, new_account):
    good = new_account()
    sent = send_lines(
        good,
        b"not json",
        b'{"name": "\xff"}',
        b"",
        new_account() | {"unknown": 1},
        new_account(bureau="1"),
        new_account(name="\x00"),
        new_account(meter={"installed_at": "2026-01-01"}),
        new_account(opened_on="2026-02-30"),
    )
    assert sent.status_code == 200, sent.text
    assert (sent.json["accepted"], sent.json["refused"]) == (1, 7)
    codes = {result["line"]: result.get("code") for result in sent.json["results"]}
    malformed = dict.fromkeys((2, 3, 5, 6, 8, 9), "LINE_MALFORMED")
    assert codes == {1: None, 7: "TEXT_REFUSED"} | malformed


def test_an_import_of_nothing_is_refused(send_lines):
    assert_problem(send_lines(b""), 422, "IMPORT_LENGTH_REFUSED")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/accounts", 422, "SEARCH_TOO_WIDE"),
        ("/v1/accounts?limit=0&phone=1", 422, "PARAMETER_INVALID"),
        ("/v1/accounts?limit=x&phone=1", 422, "PARAMETER_INVALID"),
        ("/v1/accounts?limit=1&limit=2&phone=1", 422, "PARAMETER_INVALID"),
        ("/v1/accounts?colour=red", 422, "PARAMETER_INVALID"),
        ("/v1/accounts?name=%00", 422, "PARAMETER_INVALID"),
        ("/v1/accounts?phone=1&cursor=nonsense", 422, "CURSOR_BROKEN"),
        ("/v1/accounts/0", 404, "ACCOUNT_UNKNOWN"),
        (f"/v1/accounts/{NOBODY}", 404, "ACCOUNT_UNKNOWN"),
        (f"/v1/accounts/{NOBODY}/bills", 404, "ACCOUNT_UNKNOWN"),
        (f"/v1/accounts/{NOBODY}/statement", 404, "ACCOUNT_UNKNOWN"),
        (f"/v1/accounts/{NOBODY}/statement?cursor=MQ", 422, "CURSOR_BROKEN"),
        (f"/v1/accounts/{NOBODY}/bills?cursor=YWJjCTE", 422, "CURSOR_BROKEN"),  # abc, 1
        (f"/v1/accounts/{NOBODY}/statement?cursor=YWJjCTEJMQ", 422, "CURSOR_BROKEN"),  # abc, 1, 1
        (f"/v1/accounts/{NOBODY}/statement?limit=101", 422, "PARAMETER_INVALID"),
        ("/v1/accounts/%00", 400, "PATH_MALFORMED"),
        ("/v1/accounts/%ff%fe", 404, "ACCOUNT_UNKNOWN"),
        ("/v1/accounts/%0aforged-log-line", 400, "PATH_MALFORMED"),
        ("/v1/prices", 422, "PARAMETER_INVALID"),
        ("/v1/prices?on=2026-02-30", 422, "PARAMETER_INVALID"),
        ("/v1/prices?on=0001-01-01", 404, "PRICES_UNKNOWN"),
        ("/v1/bill-runs/99999999999999999999", 404, "BILL_RUN_UNKNOWN"),
        ("/v1/bill-runs/0", 404, "BILL_RUN_UNKNOWN"),
        ("/v1/bill-runs/x", 404, "ROUTE_UNKNOWN"),
        ("/v1/bills/1", 404, "BILL_UNKNOWN"),
        ("/v1/bills/" + "9" * 18, 404, "BILL_UNKNOWN"),
        ("/v1/payments/1", 404, "PAYMENT_UNKNOWN"),
        ("/v1/payments/" + "9" * 20, 404, "PAYMENT_UNKNOWN"),
        ("/v2/accounts", 404, "ROUTE_UNKNOWN"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(api, path, status, code):
    assert_problem(api.get(path), status, code)


def test_a_method_that_a_path_does_not_know_is_refused(api, client, token):
    headers = {"Authorization": f"Bearer {token('auditor', None)}"}
    refused = client.simulate_delete("/v1/accounts/1000000006", headers=headers)
    assert_problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize("method", ["BREW", "get", "WEBSOCKET"])  # falcon's own word is no better
def test_a_method_that_nobody_knows_is_refused(client, method):
    environ = testing.create_environ("/live", method="GET")
    environ["REQUEST_METHOD"] = method
    answered = testing.StartResponseMock()
    content = b"".join(client.app(environ, answered))
    assert answered.status.startswith("400")
    assert b"REQUEST_MALFORMED" in content


def test_an_account_of_another_bureau_is_not_found(api, account_no):
    assert api.get(f"/v1/accounts/{account_no}", "auditor", 1).status_code == 200
    for path in ("", "/bills", "/statement"):
        assert_problem(
            api.get(f"/v1/accounts/{account_no}{path}", "auditor", 2), 404, "ACCOUNT_UNKNOWN"
        )


def test_a_bug_is_answered_and_logged_with_its_request(client, monkeypatch, caplog, token):
    monkeypatch.setattr("service.api.prices.prices_on", lambda **_: 1 / 0)
    headers = {
        "Authorization": f"Bearer {token('auditor', None)}",
        "X-Request-Id": "from-the-client",
    }
    answered = client.simulate_get("/v1/prices?on=2026-04-01", headers=headers)
    assert_problem(answered, 500, "INTERNAL_ERROR")
    assert answered.headers["x-request-id"] == "from-the-client"
    assert "ZeroDivisionError" not in answered.text
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "from-the-client" in record.getMessage()
    assert record.exc_info


def test_a_database_that_stays_away_is_answered_with_when_to_come_again(
    database, token, clock, monkeypatch
):
    away = create_app(
        database=Database(dsn="host=127.0.0.1 port=1 dbname=evergrid", connections_max=1),
        identity=IDENTITY,
        clock=clock,
        deadline_s=0.3,
        host="app1",
        version="1",
    )
    headers = {"Authorization": f"Bearer {token('auditor', None)}"}
    refused = testing.TestClient(away).simulate_get("/v1/prices?on=2026-04-01", headers=headers)
    assert_problem(refused, 503, "DATABASE_AWAY")
    assert int(refused.headers["retry-after"]) > 0
