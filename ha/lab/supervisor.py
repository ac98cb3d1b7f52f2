"""The lab's supervisor: supervisord, which starts a program that ended anew at once."""

from __future__ import annotations

import supervisor.options
from supervisor import supervisord
from supervisor.poller import Poller

# It reaps at its first look after a program's end and starts it anew at the second: a second later,
# where systemd (RestartSec=0) takes milliseconds.
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


def main() -> None:
    """Run supervisord; same arguments, same everything else."""
    supervisor.options.poller.Poller = EagerPoller
    supervisord.main()


if __name__ == "__main__":
    main()
