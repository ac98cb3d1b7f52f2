from __future__ import annotations

import io
import time

import gevent
import pytest
from falcon.testing import create_environ

from service.api import bodies
from service.api.bodies import BodyTooSlow
from service.api.errors import status_of
from service.api.requests import Request


class Trickle(io.RawIOBase):
    """A body of which a byte comes every 10 ms, for as long as anybody waits."""

    def read(self, size=-1):
        for _ in range(size):
            gevent.sleep(0.01)
        return b" " * size


@pytest.fixture
def request_with():
    def made(body, *, within_s):
        environ = create_environ(
            "/v1/payments", method="POST", headers={"Content-Type": "application/json"}
        )
        environ |= {"wsgi.input": body, "CONTENT_LENGTH": "2000"}
        req = Request(environ)
        req.deadline = time.monotonic() + within_s
        return req

    return made


def read(req):
    return bodies.read(req, media_type=bodies.JSON, at_most_bytes=bodies.JSON_MAX_BYTES)


@pytest.mark.parametrize("within_s", [0.1, -1])
def test_a_body_that_trickles_is_waited_for_no_longer_than_its_answer_may_take(
    request_with, within_s
):
    began_s = time.monotonic()
    with pytest.raises(BodyTooSlow):
        read(request_with(Trickle(), within_s=within_s))
    assert time.monotonic() - began_s < 5
    assert status_of(BodyTooSlow) == 408


def test_a_body_that_is_there_is_read(request_with):
    assert read(request_with(io.BytesIO(b"x" * 2000), within_s=0.1)) == b"x" * 2000
