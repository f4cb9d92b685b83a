"""torch's own launcher with three things changed for hosts that are processes of one machine.

They meet at a port of their job on loopback, not at a host name and a port for all jobs. The store at which they meet
listens on loopback only; torch's listens on every interface. And the workers stay in the process group of whoever
started this: torch gives them sessions of their own, which would outlive a killed job.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta

from torch.distributed import TCPStore, run
from torch.distributed.elastic.multiprocessing.subprocess_handler import handlers
from torch.distributed.elastic.rendezvous import static_tcp_rendezvous

_LOOPBACK = "127.0.0.1"
_PORT = int(os.environ["REHEARSAL_RENDEZVOUS_PORT"])


def _store_on_loopback(
    host: str, port: int, world_size: int, is_master: bool, timeout: timedelta, **options: bool
) -> TCPStore:
    listener = socket.create_server((host, port)).detach() if is_master else None
    return TCPStore(host, port, world_size, is_master, timeout, **options, master_listen_fd=listener)


class _WorkerInThisGroup(handlers.SubprocessHandler):
    def _popen(self, args: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(args, env=env, stdout=self._stdout, stderr=self._stderr)

    def close(self, death_sig: signal.Signals | None = None) -> None:
        self.proc.send_signal(death_sig or signal.SIGTERM)
        for file in filter(None, (self._stdout, self._stderr)):
            file.close()


if __name__ == "__main__":
    static_tcp_rendezvous.TCPStore = _store_on_loopback  # type: ignore[misc,assignment]
    handlers.SubprocessHandler = _WorkerInThisGroup  # type: ignore[misc]
    arguments = run.parse_args(sys.argv[1:])
    arguments.master_addr, arguments.master_port = _LOOPBACK, _PORT
    run.run(arguments)
