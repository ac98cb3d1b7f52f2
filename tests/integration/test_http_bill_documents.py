"""Bills as PDF: what is in the books is on the paper, the same bytes each time."""

from __future__ import annotations

import io
import secrets
import time

import pypdf
import pytest

from service.domain.bureaus import BureauUnknown
from service.usecases.bill_documents import PrintersBusy, Printing, documents_of_month
from service.usecases.principals import issue_token
from tests.integration.utilities import FEBRUARY, MARCH, Utility

CLERK = "hall_clerk"


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def homes(utility):
    """Three accounts whose February is billed."""
    opened = utility.open_accounts(3)
    utility.read(opened, "310")
    utility.bill()
    return opened


@pytest.fixture
def document(api, utility):
    def got(bill_no, **options):
        return api.get(f"/v1/bills/{bill_no}/document", CLERK, utility.bureau, **options)

    return got


def number(account_no):
    return f"202602{account_no}01"


def words(document):
    pages = pypdf.PdfReader(io.BytesIO(document)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def test_the_paper_says_what_the_books_say(api, utility, homes, document):
    bill = api.get(f"/v1/bills/{number(homes[0])}", CLERK, utility.bureau).json
    answer = document(number(homes[0]))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="{number(homes[0])}.pdf"'
    told = words(answer.content)
    amount = f"{bill['amount_fen'] // 100:,}.{bill['amount_fen'] % 100:02}"
    for expected in (
        "电费账单", homes[0], number(homes[0]), "李明月", "昆仑区示例路1号", "居民生活用电",
        f"Bureau{utility.bureau}", "2026年2月", f"¥{amount}", "第1档", "第2档", "310",
    ):  # fmt: skip
        assert expected in told, (expected, told)
    for line in bill["lines"]:
        assert f"{line['amount_fen'] // 100}.{line['amount_fen'] % 100:02}" in told


def test_the_same_bill_is_the_same_bytes(utility, homes, document):
    first = document(number(homes[0]))
    again = document(number(homes[0]))
    assert again.content == first.content
    written = pypdf.PdfReader(io.BytesIO(first.content)).metadata.creation_date
    assert written == utility.now, "as the bill was issued, whenever it is printed"
    known = document(number(homes[0]), headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert document(number(homes[1])).content != first.content


def test_it_is_made_for_archives_with_its_fonts_inside(homes, document):
    reader = pypdf.PdfReader(io.BytesIO(document(number(homes[0])).content))
    assert "pdfaid" in str(reader.xmp_metadata.rdf_root.toxml())
    fonts = reader.pages[0]["/Resources"]["/Font"].values()
    assert fonts
    assert all("NotoSansCJK" in font.get_object()["/BaseFont"] for font in fonts)


def test_a_bill_that_nobody_has_has_no_paper(homes, document):
    answer = document(f"202603{homes[0]}01")
    assert (answer.status_code, answer.json["code"]) == (404, "BILL_UNKNOWN")


def test_a_month_is_printed_at_once(utility, homes, database):
    printed = dict(
        documents_of_month(
            database=database, bureau_id=utility.bureau, month=FEBRUARY, deadline_s=20
        )
    )
    assert set(printed) == {number(home) for home in homes}
    for home in homes:
        assert home in words(printed[number(home)])
    assert not list(
        documents_of_month(database=database, bureau_id=utility.bureau, month=MARCH, deadline_s=20)
    )


def test_a_month_is_read_in_batches(utility, homes, database, monkeypatch):
    monkeypatch.setattr("service.usecases.bill_documents._BATCH", 2)
    printed = documents_of_month(
        database=database, bureau_id=utility.bureau, month=FEBRUARY, deadline_s=20
    )
    assert [bill_no for bill_no, _ in printed] == [number(home) for home in sorted(homes)]


def test_a_bureau_that_is_none_prints_nothing(database):
    with pytest.raises(BureauUnknown):
        next(documents_of_month(database=database, bureau_id=99, month=FEBRUARY, deadline_s=20))


def test_who_comes_when_too_many_wait_is_told_to_come_again():
    printing = Printing()
    printing._waiting = 16
    with pytest.raises(PrintersBusy):
        printing.bill(None, made_at=None, deadline=time.monotonic() + 20)
    assert printing._waiting == 16


def test_who_cannot_be_served_in_time_is_told_to_come_again(monkeypatch):
    printing = Printing()
    monkeypatch.setattr(printing._typesetter, "bill", lambda *_, **__: time.sleep(0.5))
    with pytest.raises(PrintersBusy):
        printing.bill(None, made_at=None, deadline=time.monotonic() + 0.05)
    assert printing._waiting == 0


@pytest.mark.parametrize("name", ["李🐉月", "ئۇيغۇر", "𰻝𰻝面"])
def test_a_character_without_a_glyph_stops_nobody_s_bill(utility, homes, database, document, name):
    utility.query(f"UPDATE evergrid.account SET name = '{name}' WHERE account_no = '{homes[1]}'")
    assert document(number(homes[1])).content.startswith(b"%PDF")
    printed = documents_of_month(
        database=database, bureau_id=utility.bureau, month=FEBRUARY, deadline_s=20
    )
    assert len(list(printed)) == 3


def test_a_token_that_is_for_bills_alone_prints_no_names(
    client, homes, owner_database, caller, utility, clock
):
    token = issue_token(
        database=owner_database,
        name=caller(CLERK, utility.bureau).name,
        days=1,
        operations=["bills.read"],
        make_secret=lambda: secrets.token_urlsafe(32),
        now=clock(),
        deadline=time.monotonic() + 20,
    )
    path, headers = f"/v1/bills/{number(homes[0])}", {"Authorization": f"Bearer {token}"}
    assert client.simulate_get(path, headers=headers).status_code == 200
    refused = client.simulate_get(f"{path}/document", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (403, "TOKEN_LIMITED")
