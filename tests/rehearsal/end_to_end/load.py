"""Clients that ask the live endpoint without a pause."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from tests.rehearsal.emulator import Emulator
from tests.rehearsal.end_to_end.kept_rehearsal import Kept

CLIENTS = 4


class Answered(NamedTuple):
    """When a request was sent and when its answer was there, on the monotonic clock, and which package gave it."""

    sent: float
    answered: float
    package: str


@dataclass
class Load:
    """From entering to leaving, each client sends the photo again as soon as it is answered."""

    kept: Kept
    photo: bytes
    answers: list[Answered] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)
    _clients: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._clients = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._enough.set()
        for client in self._clients:
            client.join()

    def wait_for_answers(self, number: int) -> None:
        """Stay until so many more have come."""
        wanted = len(self.answers) + number
        Emulator.wait_for(lambda: len(self.answers) + len(self.faults), lambda answered: answered >= wanted)

    def of(self, package: str) -> list[Answered]:
        """The answers that a package gave."""
        return [answer for answer in self.answers if answer.package == package]

    def _ask(self) -> None:
        while not self._enough.is_set():
            sent = time.monotonic()
            try:
                package = self.kept.ask(self.photo)["model"]
            except Exception as fault:
                self.faults.append(fault)
            else:
                self.answers.append(Answered(sent, time.monotonic(), package))
