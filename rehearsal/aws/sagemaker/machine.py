"""The one machine that all jobs share: all of it for one, or half for each of two; who came first is served first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ROOM = 2
"""As many jobs run at once if each computes on a half of the cores; the others wait their turn."""


class Machine:
    """Room that jobs take for as long as they run, in the order in which they asked."""

    def __init__(self, room: int = ROOM) -> None:
        self._free = room
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def room_for(self, share: int, look: Callable[[], None], every: float) -> Iterator[None]:
        """Wait for ``share`` of the room at once, and hold it while the context lasts.

        As nobody holds a part while waiting for more, and nobody overtakes, each has its turn.

        Parameters
        ----------
        look
            Called about ``every`` seconds of waiting; it may raise to give up.
        """
        place = object()
        with self._changed:
            self._waiting.append(place)
            try:
                while self._waiting[0] is not place or self._free < share:
                    self._changed.wait(every)
                    look()
                self._free -= share
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()
