import socket
from types import SimpleNamespace

import pytest
from patroni.dcs.etcd3 import Etcd3

from ha import patroni_main

URLLIB3_ASKS_FOR = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


@pytest.fixture
def connection():
    with socket.socket() as connection:
        yield connection


def set_options(connection, of):
    member = SimpleNamespace(ttl=20, loop_wait=1, _retry=SimpleNamespace(deadline=5))
    of.set_socket_options(member, connection, URLLIB3_ASKS_FOR)
    return {
        name: connection.getsockopt(*option)
        for name, option in {
            "nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
            "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        }.items()
    }


def test_patroni_itself_forgets_nodelay(connection):
    # The day this fails, `ha.patroni_main` can go.
    assert set_options(connection, Etcd3) == {"nodelay": 0, "keepalive": 1}


def test_a_prompt_patroni_sends_at_once_and_keeps_its_own_options(connection):
    prompt = type("Prompt", (Etcd3,), {})
    patroni_main.prompt(prompt)
    assert set_options(connection, prompt) == {"nodelay": 1, "keepalive": 1}
