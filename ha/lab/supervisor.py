"""
The lab's supervisor: supervisord, made to do at once what systemd does at once.

A program that ended is started anew within milliseconds (RestartSec=0), and a socket that is passed
to a program stays open between its end and its next start (Sockets=), so that callers wait instead
of being refused.
"""

from __future__ import annotations

from typing import Any

import supervisor.options
import supervisor.process
from supervisor import supervisord
from supervisor.poller import Poller
from supervisor.process import FastCGIProcessGroup

# It reaps at its first look after a program's end and starts it anew at the second: a second later.
_SOON_S = 0.01


class EagerPoller(Poller):  # type: ignore[misc]  # supervisor ships no types
    """Looks again soon after something happened."""

    _something_happened = False

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        """Return the descriptors that can be read, and written, waiting for `timeout` seconds."""
        timeout_s = _SOON_S if self._something_happened else timeout
        found: tuple[list[int], list[int]] = super().poll(timeout_s)
        self._something_happened = any(found)
        return found


class HoldingGroup(FastCGIProcessGroup):  # type: ignore[misc]  # supervisor ships no types
    """
    Holds the socket of its program from its own beginning to its end.

    supervisord's own closes it with the last program that had it, opens a new one for the next, and
    ends if a process that was forked in between still holds the old one.
    """

    def __init__(self, config: Any) -> None:  # noqa: ANN401  supervisor ships no types
        super().__init__(config)
        self._held = self.socket_manager.get_socket()

    def before_remove(self) -> None:
        """Let the socket go: the group is taken out of the configuration."""
        super().before_remove()
        del self._held


def main() -> None:
    """Run supervisord; same arguments, same everything else."""
    supervisor.options.poller.Poller = EagerPoller
    supervisor.process.FastCGIProcessGroup = HoldingGroup
    supervisord.main()


if __name__ == "__main__":
    main()
