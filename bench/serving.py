"""Photos a second from the endpoint's application, against the way of the notebook project.

    .venv/bin/python -m bench.serving --source ../shared/abid --json serving.json [--architecture A]

The notebook's way: torchvision's network as it is, in float32 and torch's default layout, torch's own number of
threads, one request at a time. Ours: the application that Ray Serve runs, in each number format that the processor has
by itself. All are asked over HTTP on this machine, behind the same server and by the same clients, which ask again as
soon as they are answered. Each way is a process of its own; they take turns, and a ratio is the median over the rounds
of ours by the notebook's. Of the format that evaluation and endpoint would choose here: the figures' `ratio` is of
photos a second with 16 clients, `ratioP50` of the notebook's median latency by ours with one client.
"""

import argparse
import http.client
import io
import os
import platform
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stdout
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
import uvicorn
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from torchvision import transforms

from bench.children import child
from bench.results import add_json_option, write_json
from stocktake.model.artifact import ModelDescription, load_artifact, save_artifact
from stocktake.model.network import ARCHITECTURES, create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.served_network import native_precision

NOTEBOOK = "notebook"
LABELS = (1, 2, 3, 4, 5)
PREPROCESSING = Preprocessing(224)
FORMATS = sorted({"float32", native_precision()})

Answering = Callable[[Request], Awaitable[Response]]


def notebook(artifact: Path) -> Answering:
    """The whole request on the server's one thread, as a handler does that nobody has tuned."""
    network = load_artifact(artifact)[0].to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    side = PREPROCESSING.image_size
    steps = transforms.Compose(
        [
            transforms.Resize((side, side)),
            transforms.ToTensor(),
            transforms.Normalize(PREPROCESSING.mean, PREPROCESSING.std),
        ]
    )

    async def answer(request: Request) -> Response:
        image = Image.open(io.BytesIO(await request.body())).convert("RGB")
        with torch.no_grad():
            probabilities = network(steps(image).unsqueeze(0)).softmax(1)[0]
        return JSONResponse({"count": int(probabilities.argmax()), "probabilities": probabilities.tolist()})

    return answer


def ours(artifact: Path, precision: str) -> Answering:
    """The application without Ray's processes before it; its log goes nowhere."""
    import serving

    os.environ["STOCKTAKE_PRECISION"] = precision
    serving.MODEL_DIR = artifact
    serving.log = lambda *_, **__: None
    return serving.Stocktake()


class Server:
    """A way behind HTTP on a free port of loopback, which it answers to the first call."""

    def __init__(self, way: str, artifact: Path):
        self.way, self.artifact = way, artifact

    def __call__(self) -> int:
        with redirect_stdout(io.StringIO()):
            answer = notebook(self.artifact) if self.way == NOTEBOOK else ours(self.artifact, self.way)

        async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            asked = Request(scope, receive)
            response = await answer(asked) if asked.method == "POST" else JSONResponse(time.process_time())
            await response(scope, receive, send)

        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", access_log=False, log_level="error"))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        return int(listener.getsockname()[1])


def load(port: int, photos: list[bytes], clients: int, seconds: float) -> dict[str, float]:
    """What some clients see who ask for so long: photos a second, and the latency's percentiles in milliseconds.

    `cpu` is what the server computed for a photo, in milliseconds of all its threads.
    """
    until = time.perf_counter() + seconds

    def ask(first: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        latencies: list[float] = []
        for photo in cycle(photos[first:] + photos[:first]):
            started = time.perf_counter()
            if latencies and started > until:
                return latencies
            connection.request("POST", "/", photo, {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{answer.status}: {answer.read().decode()}")
            answer.read()
            latencies.append(time.perf_counter() - started)
        return latencies

    started, computed = time.perf_counter(), computing(port)
    with ThreadPoolExecutor(clients) as pool:
        latencies = sorted(t for of in pool.map(ask, [n % len(photos) for n in range(clients)]) for t in of)
    return {
        "photosPerSecond": len(latencies) / (time.perf_counter() - started),
        "p50": 1000 * statistics.median(latencies),
        "p99": 1000 * latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))],
        "cpu": 1000 * (computing(port) - computed) / len(latencies),
    }


def computing(port: int) -> float:
    """Seconds that the server's process has computed so far."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/")
    return float(connection.getresponse().read())


def measure(artifact: Path, photos: list[bytes], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """For each number of clients: what every round saw of every way."""
    with ExitStack() as children:
        ports = {way: children.enter_context(child(Server(way, artifact)))() for way in (NOTEBOOK, *FORMATS)}
        for port in ports.values():
            load(port, photos, 2, 0)
        for clients in asked.clients:
            rounds = [
                {way: load(port, photos, clients, asked.seconds) for way, port in ports.items()}
                for _ in range(asked.rounds)
            ]
            yield {"clients": clients, "rounds": rounds, **summary(rounds)}


def summary(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Medians of each way, and of each format's ratios."""
    medians = {
        way: {key: statistics.median(row[way][key] for row in rounds) for key in rounds[0][way]} for way in rounds[0]
    }
    return medians | {
        "ratio": {
            way: statistics.median(row[way]["photosPerSecond"] / row[NOTEBOOK]["photosPerSecond"] for row in rounds)
            for way in FORMATS
        },
        "ratioP50": {
            way: statistics.median(row[NOTEBOOK]["p50"] / row[way]["p50"] for row in rounds) for way in FORMATS
        },
    }


def machine() -> dict[str, Any]:
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        name = next((x.split(":")[1].strip() for x in cpuinfo.read_text().splitlines() if "model name" in x), name)
    return {
        "processor": name,
        "cores": len(os.sched_getaffinity(0)),
        "native": native_precision(),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Photos a second from the endpoint's application.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="resnet50")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    files = sorted((asked.source / "bin-images").glob("*.jpg"))[:100]
    result: dict[str, Any] = {"machine": machine(), "architecture": asked.architecture, "loads": []}
    print(f"{asked.architecture}, {len(files)} photos, {result['machine']}")
    print(
        f"{'clients':>7} {'way':<10}{'photos/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}{'ratio':>7}{'of p50':>8}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        weights = create_model(asked.architecture, len(LABELS)).state_dict()
        description = ModelDescription(asked.architecture, LABELS, PREPROCESSING, {})
        save_artifact(Path(folder), weights, description)
        for row in measure(Path(folder), [file.read_bytes() for file in files], asked):
            result["loads"].append(row)
            tell(row)
    chosen, loads = native_precision(), {row["clients"]: row for row in result["loads"]}
    result["ratio"] = loads[max(loads)]["ratio"][chosen]
    result["ratioP50"] = loads[min(loads)]["ratioP50"][chosen]
    write_json(asked.json, result)


def tell(row: dict[str, Any]) -> None:
    for way in (NOTEBOOK, *FORMATS):
        seen = row[way]
        line = f"{row['clients']:>7} {way:<10}{seen['photosPerSecond']:>10.1f}{seen['p50']:>9.0f}{seen['p99']:>9.0f}"
        line += f"{seen['cpu']:>9.0f}"
        if way != NOTEBOOK:
            line += f"{row['ratio'][way]:>7.2f}{row['ratioP50'][way]:>8.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
