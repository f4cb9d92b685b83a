"""What a rehearsal says instead of a traceback."""

from __future__ import annotations

from pathlib import Path


class BadArgument(Exception):
    """The command line asks for what cannot be; one sentence, said before anything starts."""


class RehearsalFailed(Exception):
    """Part of the rehearsal other than the execution failed; the message says which, why, and where to read on."""


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, indented, for a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-count:])
