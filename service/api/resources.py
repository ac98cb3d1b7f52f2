"""What every resource of the business is built with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.store.database import Database


class Resource:
    """A path of the business; its responders read, call one use case, answer."""

    def __init__(self, *, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
