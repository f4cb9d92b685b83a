"""The long run: every property in turn, with new examples in each round, until the time is over.

    make fuzz MINUTES=30

Prints for each property its examples, seconds and fault; a property with a fault takes no further part. Ends with
exit status 1 when there was one.
"""

import argparse
import importlib
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("FUZZ_EXAMPLES", "1000")

from hypothesis import seed

from rehearsal import torchvision_on_cpu

_TOLD = 8000
"""Characters of a fault's traceback and input; an archive can have many more."""


class Property:
    """A test of this folder, with what it took and found so far."""

    def __init__(self, test: Callable[[], None]) -> None:
        self.name = f"{test.__module__.rpartition('.')[2]}::{test.__name__}"
        self.examples, self.seconds, self.fault = 0, 0.0, ""
        self._test: Any = test
        inner = self._test.hypothesis.inner_test

        def counted(*args: Any, **kwargs: Any) -> None:
            self.examples += 1
            inner(*args, **kwargs)

        self._test.hypothesis.inner_test = counted

    def take_a_round(self, number: int) -> None:
        started = time.monotonic()
        try:
            seed(number)(self._test)()
        except Exception as error:
            self.fault = f"{type(error).__name__}: {error}"
            told = traceback.format_exc(limit=-8)
            print(told if len(told) <= _TOLD else f"{told[:_TOLD]}...", flush=True)
        self.seconds += time.monotonic() - started

    def __str__(self) -> str:
        return f"{self.name:<95} {self.examples:>9,} examples {self.seconds:>6.0f} s  {self.fault or 'no fault'}"


def properties() -> list[Property]:
    torchvision_on_cpu.install()
    found = []
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.fuzz.{file.stem}")
        found += [Property(test) for test in vars(module).values() if hasattr(test, "hypothesis")]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz every door of the application.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the first round")
    asked = parser.parse_args()
    every, started, number = properties(), time.monotonic(), asked.seed
    print(f"seed {number}", flush=True)
    while (left := started + 60 * asked.minutes - time.monotonic()) > 0 and not all(one.fault for one in every):
        for one in every:
            if not one.fault and time.monotonic() < started + 60 * asked.minutes:
                one.take_a_round(number)
                print(one, flush=True)
        number += 1
    print(f"\nAfter {60 * asked.minutes - left:.0f} s:")
    print(*every, sep="\n")
    faults = sum(bool(one.fault) for one in every)
    print(f"{sum(one.examples for one in every):,} examples, {time.monotonic() - started:.0f} s, {faults} faults")
    raise SystemExit(faults > 0)


if __name__ == "__main__":
    main()
