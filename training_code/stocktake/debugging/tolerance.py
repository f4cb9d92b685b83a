"""Watching a training must never be what ends it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tolerated(consequence: str) -> Iterator[None]:
    """Turn any error into one line of the log that says what goes without, and why."""
    try:
        yield
    except Exception as error:
        print(f"debugging: {consequence} ({type(error).__name__}: {error})", flush=True)
