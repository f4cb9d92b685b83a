"""The emulated AWS as one process: moto's server on 127.0.0.1 with this package's extensions.

Its port is chosen by the system; once it answers, the file ``port`` in its work folder tells it.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.aws import location, processes
from rehearsal.aws.location import REGION


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or the parent's end; then end every process that was started."""
    arguments = _parse(argv)
    listener = socket.create_server(("127.0.0.1", 0))
    place = location.establish(listener.getsockname()[1], arguments.work)
    environment = processes.aws_environment(REGION) | {
        "MOTO_PORT": str(place.port),
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    }
    os.environ.clear()
    os.environ.update(environment)

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=_watch_parent, args=(os.getppid(), stopping), daemon=True).start()

    # All that is loaded here stays: looking again and again for what of it may go takes a third of the start.
    gc.disable()
    server = _make_server(listener)
    _install_extensions(dict(arguments.mount))
    gc.freeze()
    gc.enable()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    location.announce(place)
    print(f"The emulated AWS listens on {place.endpoint_url}", flush=True)

    stopping.wait()
    server.shutdown()
    server.server_close()
    processes.stop_all()
    # Threads of moto may still wait for work that has just been ended.
    logging.shutdown()
    os._exit(0)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.aws", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="new folder for functions, jobs and logs")
    parser.add_argument(
        "--mount",
        type=_mount,
        action="append",
        default=[],
        metavar="BUCKET=DIR",
        help="serve a folder as a public bucket; may be repeated",
    )
    return parser.parse_args(argv)


def _mount(text: str) -> tuple[str, Path]:
    bucket, separator, folder = text.partition("=")
    if not separator or not bucket:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form BUCKET=DIR.")
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"'{folder}' is not a folder; give one that exists.")
    return bucket, Path(folder).resolve()


def _make_server(listener: socket.socket):  # type: ignore[no-untyped-def]
    # moto reads its environment at import.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from rehearsal.aws.answers import InProtocol
    from rehearsal.aws.iam.enforcement import Enforced

    class QuietRequestHandler(MotoRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_expect_100(self) -> bool:
            """Leave "100 Continue" to werkzeug: with HTTP/1.1 it would be sent twice."""
            return True

        def log_request(self, *_: object) -> None:
            """Write no line for each request."""

    def backend(service):  # type: ignore[no-untyped-def]
        # moto finds nothing for a service that it does not have, and goes on with that.
        if service is None:
            raise NotImplementedError
        return create_backend_app(service)

    application = DomainDispatcherApplication(backend)
    host, port = listener.getsockname()
    guarded = InProtocol(Enforced(application))
    handler = QuietRequestHandler
    return make_server(host, port, guarded, threaded=True, request_handler=handler, fd=listener.detach())


def _install_extensions(mounts: dict[str, Path]) -> None:
    from rehearsal.aws import (
        cloudformation,
        functions,
        iam,
        public_images,
        refused_values,
        sagemaker,
        service_quotas,
        stepfunctions,
    )
    from rehearsal.aws import mounts as mounted

    stepfunctions.install()
    functions.install()
    sagemaker.install()
    iam.install()
    cloudformation.install()
    public_images.install()
    service_quotas.install()
    refused_values.install()
    for bucket, folder in mounts.items():
        mounted.mount(bucket, folder, REGION)


def _watch_parent(parent: int, stopping: threading.Event) -> None:
    while os.getppid() == parent:
        time.sleep(0.25)
    stopping.set()


if __name__ == "__main__":
    sys.exit(main())
