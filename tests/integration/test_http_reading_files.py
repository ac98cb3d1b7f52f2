"""Files of readings over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.months import Month
from service.domain.reading_batches import BATCH_MAX
from tests.integration.utilities import Utility

PATH = "/v1/reading-files"
READER = "reader"
MARCH = Month(2026, 3)
READ_AT = (MARCH.ends_at - timedelta(hours=4)).isoformat()
HEADER = "account_no,register,read_at,source"


@pytest.fixture
def now():
    return MARCH.ends_at + timedelta(days=1)


@pytest.fixture
def clock(now):
    return lambda: now


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def homes(utility):
    return utility.open_accounts(2, month=MARCH)


@pytest.fixture
def send(api, utility):
    def sent(text, *, key=None):
        return api.post(
            PATH,
            READER,
            utility.bureau,
            key=key,
            body=text.encode(),
            content_type="text/csv; charset=utf-8",
        )

    return sent


def test_every_line_is_answered_by_its_number(api, utility, homes, send):
    first, second = homes
    text = "\n".join([
        HEADER,
        f"{first},100,{READ_AT},manual",
        f"{second},many,{READ_AT},manual",
        f"{second},200,tomorrow,manual",
        "",
        f"{second},300,{READ_AT},manual",
    ])  # fmt: skip
    answer = send(text)
    assert answer.status_code == 200, answer.text
    assert (answer.json["accepted"], answer.json["refused"]) == (2, 2)
    assert [
        (each["item"], each["account_no"], each.get("code", each["status"]))
        for each in answer.json["results"]
    ] == [
        (2, first, "accepted"),
        (3, second, "REGISTER_MALFORMED"),
        (4, second, "READING_LINE_MALFORMED"),
        (6, second, "accepted"),
    ]
    [kept] = api.get(f"/v1/accounts/{second}/readings", READER, utility.bureau).json["items"][:1]
    assert kept["register"] == "300"


def test_a_file_sent_again_is_answered_again(homes, send):
    text = f"{HEADER}\n{homes[0]},100,{READ_AT},manual\n"
    assert send(text, key="a-file").json == send(text, key="a-file").json
    assert send(text).json["results"][0]["code"] == "READING_NOT_LATER"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("account_no;register\n", "FILE_HEADER_REFUSED"),
        (f'{HEADER}\n"1', "FILE_UNREADABLE"),
        (HEADER, "BATCH_LENGTH_REFUSED"),
        (HEADER + "\n1,2,3,4" * (BATCH_MAX + 1), "BATCH_LENGTH_REFUSED"),
    ],
)
def test_a_file_that_is_none_leaves_nothing(send, text, code):
    answer = send(text)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_json_is_no_file(api, utility):
    answer = api.post(PATH, READER, utility.bureau, json={"readings": []})
    assert (answer.status_code, answer.json["code"]) == (415, "MEDIA_TYPE_UNSUPPORTED")
