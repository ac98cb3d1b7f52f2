"""The load client against a small service of the test's own."""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from failover_tests import history
from failover_tests.workload.arrivals import planned
from failover_tests.workload.clients import connected
from failover_tests.workload.load import Load

TOKENS = {"channel": "c", "hall_clerk": "h"}
NUMBERS = itertools.count(1)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def taken(request: web.Request) -> web.Response:
    body = await request.json()
    return web.json_response({**body, "payment_no": f"{next(NUMBERS):020d}"}, status=201)


async def account(request: web.Request) -> web.Response:
    balance = {"receivable_fen": 300, "prepayment_fen": 1000}
    return web.json_response({"account_no": request.match_info["number"], "balance": balance})


def away(headers: dict[str, str]) -> web.Response:
    problem = {"code": "DATABASE_AWAY", "detail": "the database is away"}
    answer = web.json_response(problem, status=503, content_type="application/problem+json")
    answer.headers.update(headers)
    return answer


def drive(
    pay: Answer,
    *,
    read: Answer = account,
    payments_per_s: float = 50,
    seconds: float = 0.2,
    timeout_s: float = 5,
    is_retrying: bool = False,
) -> history.History:
    """Send payments and reads to a service whose payments are answered by `pay`."""

    async def send() -> bytes:
        app = web.Application()
        app.add_routes([web.post("/v1/payments", pay), web.get("/v1/accounts/{number}", read)])
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await web.SockSite(runner, listener).start()
            endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
            out = io.BytesIO()
            async with connected(endpoint=endpoint, tokens=TOKENS) as client:
                load = Load(
                    client=client,
                    run="run",
                    accounts=["1000000001", "1000000002"],
                    out=out,
                    timeout_s=timeout_s,
                    is_retrying=is_retrying,
                )
                plan = planned(payments_per_s=payments_per_s, reads_per_s=50, seconds=seconds)
                await load.send(plan, stopped=asyncio.Event())
            await runner.cleanup()
        return out.getvalue()

    return history.decode(asyncio.run(send()).splitlines())


def payments(requests: history.History) -> list[history.Request]:
    return [request for request in requests if request.kind == "payment"]


def test_every_planned_request_is_sent_and_answered():
    requests = drive(taken)
    assert len(requests) == 20
    assert all(request.is_answered for request in requests)
    assert len({request.key for request in requests}) == 20


def test_slow_answers_do_not_hold_back_later_requests():
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.5)
        return await taken(request)

    sent_s = sorted(request.sent_s for request in payments(drive(slow)))
    assert sent_s[-1] - sent_s[0] < 0.4
    assert len(sent_s) == 10


def test_an_answer_that_never_comes_is_a_client_timeout():
    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        raise AssertionError

    requests = payments(drive(silent, payments_per_s=5, timeout_s=0.3))
    assert [(request.error, request.status) for request in requests] == [("ClientTimeout", None)]


def test_an_answer_about_another_amount_is_wrong():
    async def generous(request: web.Request) -> web.Response:
        body = await request.json()
        answer = {**body, "payment_no": "1", "amount_fen": body["amount_fen"] + 1}
        return web.json_response(answer, status=201)

    [request] = payments(drive(generous, payments_per_s=5))
    assert not request.is_answered
    assert request.error == "WrongAnswer"


def test_a_refusal_is_counted_by_its_code():
    async def busy(_: web.Request) -> web.Response:
        return away({"Retry-After": "1"})

    [request] = payments(drive(busy, payments_per_s=5))
    assert (request.status, request.error, request.attempts) == (503, "DATABASE_AWAY", 1)
    assert request.is_refused_with_reason


def test_a_refusal_must_say_when_to_ask_again():
    async def curt(_: web.Request) -> web.Response:
        return away({})

    [request] = payments(drive(curt, payments_per_s=5))
    assert (request.status, request.error) == (503, "DATABASE_AWAY")
    assert not request.is_refused_with_reason


def test_a_refusal_that_is_no_problem_gives_no_reason():
    async def bare(_: web.Request) -> web.Response:
        return web.Response(status=503, text="<html>", headers={"Retry-After": "1"})

    [request] = payments(drive(bare, payments_per_s=5))
    assert (request.status, request.error) == (503, "Status503")
    assert not request.is_refused_with_reason


def test_a_read_tells_what_it_was_shown():
    requests = drive(taken, payments_per_s=5)
    assert {request.net_fen for request in requests if request.kind == "read"} == {700}


def test_a_read_sends_back_the_newest_token_of_its_account():
    sent = []

    async def with_token(request: web.Request) -> web.Response:
        response = await taken(request)
        response.headers["Consistency-Token"] = f"2/0/A{len(sent)}"
        sent.append(response.headers["Consistency-Token"])
        return response

    seen: list[str | None] = []

    async def remembering(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Consistency-Token"))
        return await account(request)

    drive(with_token, read=remembering, payments_per_s=20)
    assert set(seen) - {None} <= set(sent)
    assert sent[-1] in seen


def test_a_broken_connection_is_not_hidden():
    async def broken(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    [request] = payments(drive(broken, payments_per_s=5))
    assert (request.status, request.attempts) == (None, 1)
    assert request.error in {"ServerDisconnectedError", "ClientOSError"}


def test_a_retrying_client_repeats_with_the_same_key():
    keys: list[str] = []

    async def second_time_lucky(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            return away({"Retry-After": "1"})
        return await taken(request)

    [request] = payments(drive(second_time_lucky, payments_per_s=5, is_retrying=True))
    assert (request.is_answered, request.attempts) == (True, 2)
    assert keys == [request.key, request.key]
