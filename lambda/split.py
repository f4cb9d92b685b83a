"""Split: assign every kept bin to train, valid or test, a whole group at a time, and plan the shards."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

import storage
from dataset import balance
from dataset.assignment import Bin, assign, leak, made_from, unit
from dataset.planned import PlannedDataset
from dataset.rejects import KEPT, Rejects
from dataset.shards import packed_bytes, plan_shards
from errors import EmptySplit, NoUsableImages


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Split `event["dataset"]` and write what each shard is to hold; the result counts bins and shards by split."""
    dataset = PlannedDataset.model_validate(event["dataset"])
    parameters = dataset.parameters
    bins, rejects, took = read_catalogue(dataset)
    if not bins:
        raise NoUsableImages(
            f"dataset.source: {parameters.source} was given; none of {dataset.listing.sampled} sampled bins has an "
            f"image and {parameters.min_count} to {parameters.max_count} items: {rejects.listed() or 'other counts'}"
        )
    rejects.check(len(bins), parameters.maximum_rejects)

    splits = assign(bins, parameters.split, dataset.seed)
    for name, asked in parameters.split.shares.items():
        if not splits[name]:
            raise EmptySplit(
                f"dataset.split.{name}: {asked:g} was given; that left no bin of {len(bins)} for {name}; "
                f"must be larger, or dataset.fraction ({parameters.fraction:g}) must take more bins"
            )
    shares = balance.measure(
        ((unit(bin_, parameters.split), bin_.quantity, name) for name, its in splits.items() for bin_ in its),
        parameters.split.shares,
        parameters.labels,
    )
    balance.check(shares)

    shards = plan_shards(splits, partial(packed_bytes, dataset), dataset.seed)
    for shard, held in shards.items():
        storage.write_json(dataset.bucket, dataset.key("work", "shards", f"{shard}.json"), held)
    by_image = assign(bins, parameters.split.model_copy(update={"by": "image"}), dataset.seed)
    report = {
        "shares": [{**asdict(share), "standard_errors": share.standard_errors} for share in shares],
        "groups": Counter(Counter(bin_.group for bin_ in bins).values()),
        "leak": {"asBuilt": leak(splits), "byImage": leak(by_image)},
        "rejected": rejects.to_json(),
        "took": {"plan": dataset.listing.took, "catalogue": took},
    }
    storage.write_json(dataset.bucket, dataset.key("work", "split.json"), report)
    # For evaluations of other datasets' models against one of this: bins that Pack rejects are in it, and in no test.
    storage.write_json(dataset.bucket, dataset.key("splits.json"), made_from(splits))
    # Last: the map that packs starts from this list.
    storage.write_json(dataset.bucket, dataset.shards, [{"shard": shard} for shard in shards])
    return {"bins": {name: len(its) for name, its in splits.items()}, "shards": len(shards)}


def read_catalogue(dataset: PlannedDataset) -> tuple[list[Bin], Rejects, Counter[str]]:
    """All kept bins in the order of their names, the rejected ones, and what reading the metadata took."""

    def read(item: dict[str, Any]) -> tuple[list[Bin], Rejects, dict[str, float]]:
        batch = storage.read_json(dataset.bucket, dataset.key("work", "catalogue", f"{item['batch']}.json"))
        bins, rejects = [], Rejects()
        for record in batch["records"]:
            if record["verdict"] == KEPT:
                bins.append(Bin(record["id"], record["count"], record["group"]))
            else:
                rejects.add(record["verdict"], record["id"])
        return bins, rejects, batch["took"]

    bins: list[Bin] = []
    rejects = Rejects()
    took: Counter[str] = Counter()
    with ThreadPoolExecutor(8) as pool:
        for some, rejected, its in pool.map(read, storage.read_json(dataset.bucket, dataset.batches)):
            bins += some
            rejects.merge(rejected)
            took.update(its)
    return bins, rejects, took
