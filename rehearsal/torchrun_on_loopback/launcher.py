"""torch's own launcher with three things changed for hosts that are processes of one machine.

They meet on loopback at a port that the first host is given by the system and tells the others, not at a host name and
a port for all jobs. The store at which they meet listens on loopback only; torch's listens on every interface. And the
workers stay in the process group of whoever started this: torch gives them sessions of their own, which would outlive a
killed job.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from torch.distributed import TCPStore, run
from torch.distributed.elastic.multiprocessing.subprocess_handler import handlers
from torch.distributed.elastic.rendezvous import static_tcp_rendezvous

_LOOPBACK = "127.0.0.1"
_PORT_FILE = Path(os.environ["REHEARSAL_RENDEZVOUS_PORT_FILE"])


def _listen() -> socket.socket:
    """The first host's listening socket, whose port the others now know; nobody else can get it meanwhile."""
    listener = socket.create_server((_LOOPBACK, 0))
    ready = _PORT_FILE.with_suffix(".new")
    ready.write_text(str(listener.getsockname()[1]))
    ready.replace(_PORT_FILE)
    return listener


def _port() -> int:
    """Where the first host listens. Should it never do so, its end is this process's, too."""
    while not _PORT_FILE.exists():
        time.sleep(0.05)
    return int(_PORT_FILE.read_text())


class _Store(TCPStore):
    """The store at which the hosts meet, on the first host's own listener."""

    listener: socket.socket | None

    def __init__(
        self, host: str, port: int, world_size: int, is_master: bool, timeout: timedelta, **options: bool
    ) -> None:
        descriptor = self.listener.detach() if self.listener else None
        super().__init__(host, port, world_size, is_master, timeout, **options, master_listen_fd=descriptor)


class _WorkerInThisGroup(handlers.SubprocessHandler):
    def _popen(self, args: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(args, env=env, stdout=self._stdout, stderr=self._stderr)

    def close(self, death_sig: signal.Signals | None = None) -> None:
        self.proc.send_signal(death_sig or signal.SIGTERM)
        for file in filter(None, (self._stdout, self._stderr)):
            file.close()


if __name__ == "__main__":
    arguments = run.parse_args(sys.argv[1:])
    _Store.listener = _listen() if arguments.node_rank == 0 else None
    static_tcp_rendezvous.TCPStore = _Store  # type: ignore[misc,assignment]
    handlers.SubprocessHandler = _WorkerInThisGroup  # type: ignore[misc]
    arguments.master_addr, arguments.master_port = _LOOPBACK, _port()
    run.run(arguments)
