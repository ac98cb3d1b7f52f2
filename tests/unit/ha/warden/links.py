"""Database hosts on the loopback, with certificates of their own; a warden that answers."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

from ha import certificates
from ha.identity import Identity
from ha.topology import load
from ha.warden.probes import Line

ADDRESS = "127.0.0.1"
_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"alive": true}\n'


def identities(folder, *hosts):
    """Return the identity of each of the hosts, all of which live on the loopback."""
    topology = load()
    moved = tuple(replace(host, address=ADDRESS) for host in topology.hosts)
    signed = certificates.issue(replace(topology, hosts=moved))
    found = []
    for host in hosts:
        home = folder / host
        home.mkdir(parents=True)
        for name, text in certificates.of(signed, host).items():
            (home / name).write_text(text, encoding="ascii")
        found.append(Identity(home))
    return found


class Desk:
    """A warden that answers so many questions on each connection, then ends it or says no more."""

    def __init__(self, listener, context, *, answers, is_ending):
        self.port = listener.getsockname()[1]
        self.connections = 0
        self._listener = listener
        self._context = context
        self._answers = answers
        self._is_ending = is_ending
        self._held = []

    def serve(self):
        while True:
            try:
                plain = self._listener.accept()[0]
            except OSError:
                return
            try:
                self._answer(self._context.wrap_socket(plain, server_side=True))
            except OSError:
                continue  # a caller that did not believe it

    def _answer(self, secured):
        self.connections += 1
        for _ in range(self._answers):
            if not secured.recv(1000):
                break
            secured.sendall(_ANSWER)
        if self._is_ending:
            secured.close()
        else:
            self._held.append(secured)

    def close(self):
        for each in self._held:
            each.close()


@contextmanager
def desk(identity, *, answers, is_ending=False):
    with socket.create_server((ADDRESS, 0)) as listener:
        found = Desk(listener, identity.serving(), answers=answers, is_ending=is_ending)
        thread = threading.Thread(target=found.serve)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            found.close()


@contextmanager
def line_to(warden_port, other_port):
    line = Line(ADDRESS, warden_port=warden_port, other_port=other_port)
    try:
        yield line
    finally:
        line.close()
