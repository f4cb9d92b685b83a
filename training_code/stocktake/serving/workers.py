"""As many photos at once as there are cores, and a bounded queue before them."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

from stocktake.serving.refusal import RequestRefused

QUEUE = 16
"""Photos that may wait for each worker: under two seconds of work where a photo takes a tenth."""

Answer = TypeVar("Answer")


class Overloaded(RequestRefused):
    """The queue is full."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, "Too many photos are waiting. Try again in a second.")


class Workers:
    """Threads: the decoder and the network's operators release the interpreter's lock.

    Parameters
    ----------
    number
        One for each core by default. Each computes on its one thread (`torch.set_num_threads(1)`).
    """

    def __init__(self, number: int | None = None) -> None:
        self.number = number or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self.number, "photo")
        self._admitted = 0

    @contextmanager
    def room_for(self, photos: int) -> Iterator[None]:
        """Admit a request, which may go beyond the bound by its own photos. Raises Overloaded."""
        if self._admitted >= self.number * (1 + QUEUE):
            raise Overloaded
        self._admitted += photos
        try:
            yield
        finally:
            self._admitted -= photos

    async def each(self, work: Callable[[bytes], Answer], contents: list[bytes]) -> list[Answer]:
        """Work on all, in turn with those of other requests. Cancelled, it takes back what has not begun."""
        loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(self.number)

        async def one(content: bytes) -> Answer:
            async with turns:
                return await loop.run_in_executor(self._pool, work, content)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(content)) for content in contents]
        return [task.result() for task in tasks]

    def warm_up(self, work: Callable[[], object]) -> None:
        """Work once on as many threads as there are, before the first request."""
        for future in [self._pool.submit(work) for _ in range(self.number)]:
            future.result()
