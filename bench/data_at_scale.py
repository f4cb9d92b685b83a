"""Plan and Split on as many bins as the real dataset has, and how both grow.

    .venv/bin/python -m bench.data_at_scale [--ids 5000 50000 535000]

Each function runs in a fresh process, pinned to one core, against an S3 on loopback in another process: so CPU seconds
are those of the function's own work, and seconds are more where other work shares the core. A source far away adds a
round trip for each 5,000 keys, about: ten pages are under way at once.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.listed_bins import catalogue_records, serve

LAMBDA = Path(__file__).parents[1] / "lambda"
SOURCE, DATA = "aft-vbi-pds", "stocktake-data"
MEMORY_LIMIT, SECONDS_LIMIT = 1769, 60


def prepare(port: int) -> None:
    """The environment of a deployed function, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",
        AWS_DEFAULT_REGION="us-east-1",
        DATA_BUCKET=DATA,
        DEFAULTS=json.dumps({"dataset": {"fraction": 1}, "tuning": {"enabled": False}}),
        SOURCE_BUCKETS=json.dumps([SOURCE]),
        TRAINING_IMAGE_CPU="cpu",
        TRAINING_IMAGE_GPU="gpu",
    )
    sys.path.insert(0, str(LAMBDA))


def measured(function: Callable[[], Any]) -> dict[str, Any]:
    """A function's result, seconds, CPU seconds, and this process's peak memory in MB."""
    started, cpu = time.perf_counter(), time.process_time()
    result = function()
    return {
        "result": result,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def run_plan(port: int, results: Any) -> None:
    prepare(port)
    import plan

    results.put(measured(lambda: plan.handler({"input": {}, "execution": "bench"}, None)))


def run_split(port: int, dataset: dict[str, Any], results: Any) -> None:
    prepare(port)
    import split

    results.put(measured(lambda: split.handler({"dataset": dataset}, None)))


def write_catalogue(port: int, ids: int, dataset: dict[str, Any], results: Any) -> None:
    """What the map of Catalogue functions would have left."""
    prepare(port)
    import storage
    from dataset.sample import BATCH

    def write(item: tuple[int, list[dict[str, Any]]]) -> None:
        number, records = item
        took = {"requests": len(records), "bytes": 2200 * len(records), "seconds": 4.0}
        key = f"{dataset['prefix']}/work/catalogue/{number:05d}.json"
        storage.write_json(DATA, key, {"records": records, "took": took})

    with ThreadPoolExecutor(4) as pool:
        results.put(sum(1 for _ in pool.map(write, enumerate(catalogue_records(ids, BATCH)))))


def in_process(function: Callable[..., None], *arguments: Any) -> Any:
    """The one result that `function` puts into its queue, from a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    process = spawn.Process(target=function, args=(*arguments, results))
    process.start()
    result = results.get()
    process.join()
    return result


def bench(ids: int) -> list[dict[str, Any]]:
    """Measurements of Plan and Split on so many bins."""
    spawn = multiprocessing.get_context("spawn")
    ports = spawn.Queue()
    server = spawn.Process(target=serve, args=(ids, ports), daemon=True)
    server.start()
    port = ports.get()
    try:
        plan = in_process(run_plan, port)
        dataset = plan["result"]["dataset"]
        in_process(write_catalogue, port, ids, dataset)
        split = in_process(run_split, port, dataset)
    finally:
        server.kill()
        server.join()
    plan["requests"] = int(dataset["listing"]["took"]["requests"])
    split["requests"] = -(-ids // 1000) + 2 + split["result"]["shards"] + 2
    return [{"ids": ids, "function": name, **found} for name, found in (("plan", plan), ("split", split))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Plan and Split at scale.")
    parser.add_argument("--ids", type=int, nargs="+", default=[5_000, 50_000, 535_000])
    print(
        f"{'ids':>8} {'function':<9}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'requests':>10}  "
        f"within {MEMORY_LIMIT} MB and {SECONDS_LIMIT} CPU s"
    )
    for ids in parser.parse_args().ids:
        for row in bench(ids):
            within = row["megabytes"] < MEMORY_LIMIT and row["cpu"] < SECONDS_LIMIT
            print(
                f"{row['ids']:>8} {row['function']:<9}{row['seconds']:>9.1f}{row['cpu']:>8.1f}{row['megabytes']:>9.0f}"
                f"{row['requests']:>10}  {'yes' if within else 'NO'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
