"""Photos in turn: a worker for each core, batches of what waits, and a bound on how much may wait."""

import math
import os
import threading
from asyncio import gather, wrap_future
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Generic, TypeVar

from stocktake.serving.refusal import RequestRefused

QUEUE = 16
"""Photos that may wait for each worker: under two seconds of work where a photo takes a tenth."""
BATCH = 8
"""Photos that a worker takes at once. Together they cost a quarter less than one by one; more gain little."""

Answer = TypeVar("Answer")


class Overloaded(RequestRefused):
    """The queue is full."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, "Too many photos are waiting. Try again in a second.")


class Workers(Generic[Answer]):
    """Threads: the decoder and the network's operators release the interpreter's lock.

    A free worker takes its share of what waits. So under load each computes a batch on one core, and the photo of a
    single client has all cores.

    Parameters
    ----------
    work
        Answers some photos with so many threads (`torch.set_num_threads`), in order.
    number
        Of workers; one for each core by default.
    """

    def __init__(self, work: Callable[[list[bytes], int], list[Answer]], number: int | None = None) -> None:
        self.number = number or len(os.sched_getaffinity(0))
        self._work = work
        self._pool = ThreadPoolExecutor(self.number, "photo")
        self._waiting: deque[tuple[bytes, Future[Answer]]] = deque()
        self._lock, self._busy = threading.Lock(), 0
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

    async def each(self, contents: list[bytes]) -> list[Answer]:
        """Answers to all. Cancelled, it takes back what has not begun."""
        futures: list[Future[Answer]] = [Future() for _ in contents]
        with self._lock:
            self._waiting.extend(zip(contents, futures, strict=True))
        for _ in contents:
            self._pool.submit(self._turn)
        return await gather(*map(wrap_future, futures))

    def warm_up(self, content: bytes) -> None:
        """Work once on as many threads as there are, before the first request."""
        for future in [self._pool.submit(self._work, [content], 1) for _ in range(self.number)]:
            future.result()

    def _turn(self) -> None:
        """Take what waits, unless another turn has taken it already."""
        with self._lock:
            share = min(BATCH, math.ceil(len(self._waiting) / self.number))
            found = [self._waiting.popleft() for _ in range(share)]
            taken = [(content, future) for content, future in found if future.set_running_or_notify_cancel()]
            self._busy += 1
            threads = 1 if self._busy > 1 or self._waiting else self.number
        try:
            answers = self._work([content for content, _ in taken], threads) if taken else []
        except BaseException as error:  # whoever waits has to hear of it
            self._end_turn()
            for _, future in taken:
                future.set_exception(error)
        else:
            # Before anybody hears of it: the next photo may come at once, and all cores are free for it.
            self._end_turn()
            for (_, future), answer in zip(taken, answers, strict=True):
                future.set_result(answer)

    def _end_turn(self) -> None:
        with self._lock:
            self._busy -= 1
