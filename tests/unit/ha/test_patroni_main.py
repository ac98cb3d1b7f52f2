import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition
from types import SimpleNamespace

import pytest
import urllib3
from patroni.dcs.etcd3 import Etcd3, KVCache, PatroniEtcd3Client
from patroni.ha import Failsafe
from patroni.postgresql.rewind import Rewind
from patroni.thread_pool import configure_global_pool
from patroni.utils import RetryFailedError

from ha import patroni_main
from tests.unit.ha.warden.links import identities

URLLIB3_ASKS_FOR = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]

HEARD = {"name": "db1", "conn_url": "postgres://db1", "api_url": "http://db1"}


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
    # The day this fails, `prompt` can go.
    assert set_options(connection, Etcd3) == {"nodelay": 0, "keepalive": 1}


def test_a_prompt_patroni_sends_at_once_and_keeps_its_own_options(connection):
    prompt = type("Prompt", (Etcd3,), {})
    patroni_main.prompt(prompt)
    assert set_options(connection, prompt) == {"nodelay": 1, "keepalive": 1}


class Stream(BaseHTTPRequestHandler):
    """A watch of etcd's: an answer that begins, and goes on for as long as it is listened to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.connection.recv(1)

    def log_message(self, *_):
        pass


@pytest.fixture
def etcd():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Copy(KVCache):
    """Patroni's copy of the keys: first of a member that lags behind by a term, then of another."""

    def __init__(self, client):
        self.terms = [3, 4]
        names = ("config_path", "leader_path", "leader_optime_path", "status_path", "_name")
        dcs = SimpleNamespace(**dict.fromkeys(names, "x"), cluster_prefix="/", retry=self.answer)
        super().__init__(dcs, client)

    def answer(self, *_):
        header = {"cluster_id": "1", "raft_term": self.terms.pop(0), "revision": "1"}
        return {"header": header, "kvs": []}

    def run(self):
        self.condition.notify = self.looked_at
        for _ in (1, 2):
            self._build_cache()

    def looked_at(self):
        """Be found stale by whoever waits, as soon as it is ready."""
        Condition.notify(self.condition)
        self.is_ready()


def waits_for_its_copy(client_class, etcd, within_s):
    http = urllib3.PoolManager()
    client = client_class.__new__(client_class)
    client._cluster_id, client._raft_term = "1", 4
    client.watchprefix = lambda *_, **__: http.urlopen("POST", etcd, preload_content=False)
    client._kv_cache = Copy(client)
    try:
        with client._kv_cache.condition:
            client._wait_cache(within_s)
        return client._kv_cache._raft_term
    finally:
        client._kv_cache.kill_stream()


def test_patroni_itself_waits_in_vain_behind_a_watch_it_meant_to_end(etcd):
    # The day this fails, `end_stale_watches` can go.
    with pytest.raises(RetryFailedError):
        waits_for_its_copy(PatroniEtcd3Client, etcd, within_s=0.5)


def test_a_stale_watch_is_ended_for_certain(etcd):
    ending = type("Ending", (PatroniEtcd3Client,), {})
    patroni_main.end_stale_watches(ending)
    assert waits_for_its_copy(ending, etcd, within_s=20) == 4


@pytest.fixture
def warden(tmp_path):
    """A warden that gives the answers it is told to, the last of them for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status = asked.pop(0) if len(asked) > 1 else asked[0]
            seen.append((self.path, status))
            found.meanwhile()
            body = json.dumps({"why": "nothing is known yet"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    asked, seen = [200], []
    (identity,) = identities(tmp_path, "db1")
    folder = tmp_path / "db1"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = identity.serving().wrap_socket(server.socket, server_side=True)
    address, port = server.server_address
    told = {
        "host": "db1", "address": address, "scope": "main", "peers": {}, "stores": [], "port": port,
        "patroni_port": 1, "postgres_port": 1, "patroni_password": "", "data_folder": "",
        "socket_folder": "", "run_folder": "", "features": [],
    }  # fmt: skip
    (folder / "warden.json").write_text(json.dumps(told))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = SimpleNamespace(
        asked=asked, seen=seen, folder=folder, server=server, meanwhile=lambda: None
    )
    yield found
    server.shutdown()
    server.server_close()


def test_patroni_starts_only_when_its_warden_keeps_its_word(warden, capsys):
    warden.asked[:] = [503, 503, 404, 200]
    patroni_main.await_warden(warden.folder)
    assert warden.seen == [("/word", status) for status in (503, 503, 404, 200)]
    told = capsys.readouterr().err
    assert told == "Patroni waits for the warden: {'why': 'nothing is known yet'}\n"


def test_patroni_waits_for_a_warden_that_does_not_run(warden, monkeypatch, capsys):
    warden.server.shutdown()
    warden.server.server_close()

    class WaitedAgain(Exception):
        pass

    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) > 3:
            raise WaitedAgain

    # Not the sleep of everybody: a thread that another test left may sleep too.
    monkeypatch.setattr(patroni_main, "time", SimpleNamespace(sleep=wait))
    with pytest.raises(WaitedAgain):
        patroni_main.await_warden(warden.folder)
    assert "Connection refused" in capsys.readouterr().err


@pytest.fixture
def failsafe():
    """What two replicas know of a primary that asked them a moment ago whether it may go on."""

    class Heeding(Failsafe):
        pass

    as_before, heeding = (of(SimpleNamespace(ttl=20)) for of in (Failsafe, Heeding))
    for each in (as_before, heeding):
        each.update(HEARD)
    return SimpleNamespace(of=Heeding, heeding=heeding, as_before=as_before)


def test_a_leader_that_was_outvoted_is_forgotten(warden, failsafe, caplog):
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    warden.asked[:] = [503, 200, 503]
    assert failsafe.heeding.leader.name == "db1"
    assert failsafe.heeding.leader is None
    assert failsafe.heeding.leader is None
    assert [path for path, _ in warden.seen] == ["/outvoted?host=db1"] * 2
    assert not failsafe.heeding.is_active()
    assert caplog.messages == ["db1 is believed to lead no more: a verdict ended it."]
    assert failsafe.as_before.leader.name == "db1"


def test_a_leader_that_goes_on_after_all_is_believed_again(warden, failsafe):
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    assert failsafe.heeding.leader is None
    failsafe.heeding.update(HEARD)
    warden.asked[:] = [503]
    assert failsafe.heeding.leader.name == "db1"


def test_what_is_heard_while_the_warden_thinks_is_not_forgotten(warden, failsafe):
    warden.meanwhile = lambda: failsafe.heeding.update(HEARD)
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    assert failsafe.heeding.leader is None
    assert failsafe.heeding.is_active()


def test_a_leader_is_believed_while_the_warden_says_nothing(warden, failsafe, monkeypatch):
    monkeypatch.setattr(patroni_main, "_ANSWER_S", 0.05)
    warden.meanwhile = lambda: time.sleep(1.0)
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    assert failsafe.heeding.leader.name == "db1"
    warden.server.shutdown()
    warden.server.server_close()
    assert failsafe.heeding.leader.name == "db1"


def test_settings_of_another_release_do_not_end_patronis_loop(warden, failsafe):
    (warden.folder / "warden.json").write_text('{"host": "db1", "of_the_next_release": true}')
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    assert failsafe.heeding.leader.name == "db1"


def test_a_warden_is_asked_about_nobody_but_a_leader_that_has_asked(warden, failsafe):
    patroni_main.heed_verdicts(failsafe.of, warden.folder)
    one = failsafe.of(SimpleNamespace(ttl=20))
    assert one.leader is None
    one.set_is_active(time.time())  # as a primary does
    assert one.leader.name == ""
    assert not warden.seen


@pytest.fixture
def promoted():
    """Promote a server that Patroni then sees to once a loop; the checkpoints it is asked for."""

    configure_global_pool(1)

    def of(rewind, *, wait_s=0.0, control_timeline=1):
        asked = threading.Event()
        server = SimpleNamespace(
            is_primary=lambda: True,
            get_primary_timeline=lambda: 2,
            pg_control_timeline=lambda: control_timeline,
            checkpoint=asked.set,
        )
        one = rewind(server)
        time.sleep(wait_s)
        one.reset_state()
        return SimpleNamespace(
            loop=lambda: one.ensure_checkpoint_after_promote(lambda: None),
            has_asked=lambda: asked.wait(0.5),
            may_be_rewound_to=one.checkpoint_after_promote,
        )

    return of


def test_patroni_itself_asks_for_a_checkpoint_at_once(promoted):
    server = promoted(Rewind)
    server.loop()
    assert server.has_asked()


def test_clients_go_before_the_checkpoint_of_a_promotion(promoted, monkeypatch):
    monkeypatch.setattr(patroni_main, "_CLIENTS_FIRST_S", 1.0)
    patient = type("Patient", (Rewind,), {})
    patroni_main.let_clients_go_first(patient)
    server = promoted(patient, wait_s=1.1)  # it counts from the promotion, not from its start
    server.loop()
    assert not server.has_asked()
    time.sleep(0.6)
    server.loop()
    assert server.has_asked()


def test_a_start_of_patroni_beside_a_primary_is_no_promotion(promoted):
    patient = type("Patient", (Rewind,), {})
    patroni_main.let_clients_go_first(patient)
    server = promoted(patient, control_timeline=2)
    server.loop()
    assert server.may_be_rewound_to()
