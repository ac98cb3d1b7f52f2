"""What every resource of the business is built with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class Resource:
    """
    A path of the business; its responders read, call one use case, answer.

    The database is the request's (`req.database`): what one client may see differs from another.
    """

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
