"""Plan, Split and Plan audit on as many bins as the real dataset has, and how they grow.

    .venv/bin/python -m bench.data_at_scale [--ids 5000 50000 535000] [--json FILE]

Each function runs in a fresh process, pinned to one core, against an S3 on loopback in the bench's own process: so CPU
seconds are those of the function's own work, and seconds are more where other work shares the core. A source far away
adds a round trip for each 5,000 keys, about: ten pages are under way at once.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from bench.children import run_in_child
from bench.function_environment import function_environment
from bench.listed_bins import catalogue_records, served
from bench.results import add_json_option, write_json

SOURCE, DATA = "aft-vbi-pds", "stocktake-data"
MEMORY_LIMIT, SECONDS_LIMIT = 1769, 60


def prepare(port: int) -> None:
    """The environment of a deployed function, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    dataset = {"source": f"s3://{SOURCE}", "fraction": 1}
    os.environ.update(function_environment(DATA, [SOURCE], {"dataset": dataset}))
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"


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


def run_plan(port: int) -> dict[str, Any]:
    prepare(port)
    import plan

    return measured(lambda: plan.handler({"input": {}, "execution": "bench"}, None))


def run_split(port: int, dataset: dict[str, Any]) -> dict[str, Any]:
    prepare(port)
    import split

    return measured(lambda: split.handler({"dataset": dataset}, None))


def run_plan_audit(port: int) -> dict[str, Any]:
    prepare(port)
    os.environ["PACKAGE_GROUP"] = "stocktake"
    import plan_audit
    from audits import models

    # The registry is one request, and not what grows.
    container = {"ModelDataUrl": f"s3://{DATA}/models/m/model.tar.gz"}
    package = {"InferenceSpecification": {"Containers": [container]}}
    models.__dict__["_registry"] = lambda: SimpleNamespace(describe_model_package=lambda **_: package)
    live = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake/1"
    return measured(lambda: plan_audit.handler({"input": {}, "execution": "bench", "live": live}, None))


def write_catalogue(port: int, ids: int, dataset: dict[str, Any]) -> None:
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
        for _ in pool.map(write, enumerate(catalogue_records(ids, BATCH))):
            pass


def bench(ids: int) -> list[dict[str, Any]]:
    """Measurements of the functions on so many bins."""
    with served(ids) as port:
        plan = run_in_child(run_plan, port)
        dataset = plan.pop("result")["dataset"]
        run_in_child(write_catalogue, port, ids, dataset)
        split = run_in_child(run_split, port, dataset)
        audit = run_in_child(run_plan_audit, port)
    plan["requests"] = int(dataset["listing"]["took"]["requests"])
    split["requests"] = -(-ids // 1000) + 2 + split.pop("result")["shards"] + 2
    # Besides the listing, which is Plan's: a batch of names each.
    audit["requests"] = plan["requests"] + -(-audit.pop("result")["bins"] // 1000)
    functions = {"plan": plan, "split": split, "plan audit": audit}
    return [{"ids": ids, "function": name, **found} for name, found in functions.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Plan, Split and Plan audit at scale.")
    parser.add_argument("--ids", type=int, nargs="+", default=[5_000, 50_000, 535_000])
    add_json_option(parser)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(
        f"{'ids':>8} {'function':<12}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'requests':>10}  "
        f"within {MEMORY_LIMIT} MB and {SECONDS_LIMIT} CPU s"
    )
    for ids in asked.ids:
        for row in bench(ids):
            rows.append(row)
            within = row["megabytes"] < MEMORY_LIMIT and row["cpu"] < SECONDS_LIMIT
            print(
                f"{row['ids']:>8} {row['function']:<12}{row['seconds']:>9.1f}{row['cpu']:>8.1f}{row['megabytes']:>9.0f}"
                f"{row['requests']:>10}  {'yes' if within else 'NO'}",
                flush=True,
            )
    write_json(asked.json, {"functions": rows})


if __name__ == "__main__":
    main()
