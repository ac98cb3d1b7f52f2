"""A TCP proxy that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """
    Stands between a client and a PostgreSQL server on the loopback.

    `lose_answer_to` names bytes of a request: the next message that holds them still reaches the
    server, but the client's connection ends before the answer.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.lose_answer_to: bytes | None = None
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, server_port: int) -> None:
        """Lead connections that begin from now on to another server."""
        self._server_port = server_port

    def close(self) -> None:
        """Accept nobody any more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                deaf = threading.Event()
                threading.Thread(
                    target=self._requests, args=(client, server, deaf), daemon=True
                ).start()
                threading.Thread(
                    target=self._answers, args=(server, client, deaf), daemon=True
                ).start()

    def _requests(
        self, client: socket.socket, server: socket.socket, deaf: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.lose_answer_to is not None and self.lose_answer_to in data:
                    self.lose_answer_to = None
                    self.lost += 1
                    deaf.set()
                server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    @staticmethod
    def _answers(server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if deaf.is_set():
                    break
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
        server.close()
