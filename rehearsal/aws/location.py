"""Where the emulated AWS of this process lives: its port, its address and its work folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"
"""The region that everything is deployed to."""

ACCOUNT_ID = "123456789012"
"""The account that moto answers for."""


@dataclass(frozen=True)
class Location:
    """The emulator's place on this machine.

    Parameters
    ----------
    port
        The TCP port on 127.0.0.1.
    work
        An absolute folder for whatever the emulator writes: unpacked functions, jobs, logs.
    """

    port: int
    work: Path

    @property
    def endpoint_url(self) -> str:
        """The address for clients. moto's CloudFormation recognises only the name ``localhost``."""
        return f"http://localhost:{self.port}"


_PORT_FILE = "port"

_current: Location | None = None


def establish(port: int, work: Path) -> Location:
    """Fix this process's location; the server does so once, before anything reads it."""
    global _current
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    _current = Location(port, work)
    return _current


def announce(place: Location) -> None:
    """Tell whoever started this process that it answers, and at which port."""
    ready = place.work / f"{_PORT_FILE}.new"
    ready.write_text(str(place.port))
    ready.replace(place.work / _PORT_FILE)


def announced_port(work: Path) -> int | None:
    """The port of the emulator that works in a folder, once it answers."""
    file = work / _PORT_FILE
    return int(file.read_text()) if file.exists() else None


def current() -> Location:
    """The established location. RuntimeError before :func:`establish`."""
    if _current is None:
        raise RuntimeError("The emulator has no location yet: call location.establish(port, work) first.")
    return _current
