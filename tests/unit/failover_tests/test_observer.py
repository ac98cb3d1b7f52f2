"""The observer turns whatever a host answers, or does not, into a line about that host."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from failover_tests import observer, samples

DESK = {"host": "db1", "is_primary": True, "timeline": 3, "streams_from": None}


def looked(answer: web.Response | None, *, network: Path | None = None) -> samples.Sample:
    """Look once at a warden that answers so; None: it does not."""

    async def look() -> samples.Sample:
        async def status(_: web.Request) -> web.Response:
            assert answer is not None, "nobody listens"
            return answer

        app = web.Application()
        app.add_routes([web.get("/status", status)])
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        if answer is None:
            await runner.cleanup()
        url = f"http://127.0.0.1:{port}/status"
        async with observer.session_in(network) as session:
            watched = observer.Watched(
                host="db1",
                url=url,
                session=session,
                judged=samples.judged_by_warden,
                out=io.BytesIO(),
                every_s=0.2,
                shown=SimpleNamespace(calling=ssl.create_default_context),
            )
            seen = await observer.look(watched, asked_s=1.0)
        await runner.cleanup()
        return seen

    return asyncio.run(look())


def answer(body: str) -> web.Response:
    return web.Response(text=body, content_type="application/json")


def test_a_warden_that_answers_is_judged_by_its_answer():
    seen = looked(answer(json.dumps(DESK)))
    assert (seen.host, seen.is_primary, seen.timeline, seen.error) == ("db1", True, 3, None)


@pytest.mark.parametrize("said", ["", "<html>", '{"is_primary": "perhaps"}'])
def test_an_answer_that_cannot_be_read_is_silence(said):
    seen = looked(answer(said))
    assert not seen.is_primary
    assert seen.error is not None


def test_a_host_that_refuses_is_silent():
    assert looked(None).error is not None


def test_a_network_that_nobody_can_enter_is_silence(tmp_path):
    no_network = tmp_path / "db1"
    no_network.touch()
    seen = looked(answer(json.dumps(DESK)), network=no_network)
    assert not seen.is_primary
    assert seen.error is not None
