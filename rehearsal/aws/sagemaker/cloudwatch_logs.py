"""A process's output file, carried to a CloudWatch log stream while it grows."""

import contextlib
import time
from pathlib import Path
from typing import Any

from moto.logs.exceptions import LogsClientError
from moto.logs.models import LogsBackend, logs_backends


class LogStream:
    """One stream, fed from one file.

    Parameters
    ----------
    source
        The file; it need not exist yet.
    """

    def __init__(self, account_id: str, region: str, group: str, stream: str, source: Path) -> None:
        self._backend: LogsBackend = logs_backends[account_id][region]
        self.group, self.stream, self._source = group, stream, source
        self._offset = 0
        self._carry([])

    def pump(self, *, to_end: bool = False) -> list[str]:
        """Carry the complete lines written since the last call, and with ``to_end`` an unfinished one; return them."""
        if not self._source.exists():
            return []
        with self._source.open("rb") as file:
            file.seek(self._offset)
            written = file.read()
        if not to_end:
            written = written[: written.rfind(b"\n") + 1]
        self._offset += len(written)
        lines = [line for line in written.decode(errors="replace").splitlines() if line.strip()]
        if lines:
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": line} for line in lines]
            self._carry(events)
        return lines

    def _carry(self, events: list[dict[str, Any]]) -> None:
        """Write to the stream, made again where it or its group was deleted; a lost log ends nothing."""
        with contextlib.suppress(LogsClientError):
            self._backend.ensure_log_group(self.group)
            self._backend.ensure_log_stream(self.group, self.stream)
            if events:
                self._backend.put_log_events(self.group, self.stream, events)
