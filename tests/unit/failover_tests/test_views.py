"""The checker of sessions finds nothing in right views, and the one thing in doctored ones."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from failover_tests import answerers, views
from failover_tests.views import View, went_back

ACCOUNT = "1000000001"
NETS = {ACCOUNT: 100, "1000000002": 0}
T1, T2, T3 = (f"00000001/000000000000000{digit}" for digit in "123")


def paid(known: int, fen: int, *, sent: str | None = None, token: str = T1, session: int = 1):
    return View(session, ACCOUNT, known, sent, token, 0, paid_fen=fen)


def shown(known: int, fen: int, *, sent: str | None = T1, token: str | None = T1, session: int = 1):
    return View(session, ACCOUNT, known, sent, token, fen, paid_fen=0)


def test_a_session_that_sees_what_it_paid_has_no_findings():
    seen = [shown(0, 100, sent=None), paid(1, 50, token=T2), shown(2, 150, sent=T2, token=T3)]
    assert went_back(seen, nets_fen=NETS) == []


def test_a_read_without_what_was_paid_before_went_back():
    seen = [paid(0, 50), shown(1, 100)]
    [finding] = went_back(seen, nets_fen=NETS)
    assert "view 1" in finding
    assert "was told of 150 fen" in finding


def test_a_read_sent_before_a_payment_was_acknowledged_may_not_show_it():
    assert went_back([paid(0, 50), shown(0, 100)], nets_fen=NETS) == []


def test_a_read_below_an_earlier_one_went_back():
    """What another session paid, this one has seen, then does not see any more."""
    seen = [paid(0, 50, session=2), shown(0, 150), shown(2, 100)]
    [finding] = went_back(seen, nets_fen=NETS)
    assert "view 2" in finding
    assert "had seen 150 fen" in finding


def test_reads_that_were_under_way_together_may_be_answered_in_any_order():
    seen = [paid(0, 50, session=2), shown(0, 150), shown(1, 100)]
    assert went_back(seen, nets_fen=NETS) == []


def test_what_another_session_knows_is_not_owed_to_this_one():
    seen = [paid(0, 50, session=2), shown(1, 100, session=1)]
    assert went_back(seen, nets_fen=NETS) == []


def test_an_answer_with_an_older_token_went_back():
    [finding] = went_back([shown(0, 100, sent=T2, token=T1)], nets_fen=NETS)
    assert "was sent" in finding


def test_an_answer_without_a_token_is_reported():
    assert len(went_back([shown(0, 100, token=None)], nets_fen=NETS)) == 1


def test_only_reads_with_a_token_count_as_checked():
    assert views.checked([shown(0, 100, sent=None), paid(1, 50, sent=T1), shown(2, 150)]) == 1


def test_an_accounts_net_before_the_run_is_what_it_is_less_what_the_run_paid(books):
    assert views.nets_before(books) == {"1000000001": 0}
    owing = replace(books.balances[0], receivable_fen=300, receivable_entries_fen=300)
    assert views.nets_before(replace(books, balances=(owing,))) == {"1000000001": -300}


def test_views_are_counted_while_they_are_written(tmp_path):
    path = tmp_path / "views.jsonl"
    count = views.Count(path)
    assert count.now() == 0
    lines = b"".join(msgspec.json.encode(view) + b"\n" for view in (shown(0, 1), shown(1, 2)))
    path.write_bytes(lines[:-5])
    assert count.now() == 1
    path.write_bytes(lines)
    assert count.now() == 2
    assert list(views.read(path)) == [shown(0, 1), shown(1, 2)]


@pytest.mark.parametrize("fen", [99, 0, -1])
def test_less_than_at_the_beginning_went_back(fen):
    assert len(went_back([shown(0, fen)], nets_fen=NETS)) == 1


def test_reads_are_counted_by_what_answered_them():
    text = (
        'evergrid_reads_total{answered_by="replica",reason="usual"} 12.0\n'
        'evergrid_reads_total{answered_by="primary",reason="token_ahead"} 3.0\n'
        'evergrid_http_requests_total{method="GET",route="/live",status="200"} 5.0\n'
    )
    assert answerers.parse(text) == {("replica", "usual"): 12, ("primary", "token_ahead"): 3}
