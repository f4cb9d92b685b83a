"""Functions in fresh processes. What fails or is killed there ends the bench with an error; nothing waits for it."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class ChildFailed(Exception):
    """A child process ended without an answer; its own traceback, if there is one, stands above in stderr."""


@contextmanager
def child(function: Callable[Asked, Answer]) -> Iterator[Callable[Asked, Answer]]:
    """The function as one spawned process runs it, call after call. A call raises ChildFailed."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_answer, args=(function, theirs))
    process.start()
    theirs.close()  # the child alone holds its end: when it ends, so does the connection

    def call(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        try:
            ours.send((args, kwargs))
            answer: Answer = ours.recv()
        except (EOFError, ConnectionError):
            process.join()
            raise ChildFailed(f"The child process {_ending(process.exitcode or 0)}.") from None
        return answer

    try:
        yield call
    finally:
        process.kill()
        process.join()
        ours.close()


def run_in_child(function: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
    """One call in a process of its own. Raises ChildFailed."""
    with child(function) as call:
        return call(*args, **kwargs)


def _answer(function: Callable[..., Any], theirs: Connection) -> None:
    while True:
        try:
            args, kwargs = theirs.recv()
        except EOFError:  # the bench was killed
            return
        theirs.send(function(*args, **kwargs))


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
