"""Split: assign every kept bin to train, valid or test, a whole group at a time, and plan the shards."""

import math
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, NamedTuple

import balance
import contract
import storage
from catalogue import KEPT
from dataset import PlannedDataset
from errors import EmptySplit, NoUsableImages
from rejects import Rejects
from sampling import assigned_split, unit_hash

SHARD_BYTES = 100_000_000
TRAIN_SHARDS = 4
"""At least, so that a few instances can share the training data."""


class Bin(NamedTuple):
    """A kept bin; `group` is the head of its group."""

    id: str
    quantity: int
    group: str


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

    shards = plan_shards(splits, packed_bytes(dataset), dataset.seed)
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


def unit(bin_: Bin, split: contract.Split) -> str:
    """What is assigned as a whole: the bin's group, or the bin itself."""
    return bin_.group if split.by == "group" else bin_.id


def assign(bins: Iterable[Bin], split: contract.Split, seed: int) -> dict[str, list[Bin]]:
    """The bins of each split."""
    splits: dict[str, list[Bin]] = {name: [] for name in split.shares}
    for bin_ in bins:
        splits[assigned_split(unit(bin_, split), split.shares, seed)].append(bin_)
    return splits


def leak(splits: dict[str, list[Bin]]) -> dict[str, int]:
    """How many bins the test split has, and how many of them are of a group that is in train, too."""
    seen = {bin_.group for bin_ in splits["train"]}
    return {"test": len(splits["test"]), "seenInTraining": sum(bin_.group in seen for bin_ in splits["test"])}


def packed_bytes(dataset: PlannedDataset) -> float:
    """About how many bytes a bin takes in a shard: small images stay as they are, others shrink to half a byte a
    squared short side; the rest is tar headers and metadata."""
    image = dataset.listing.image_bytes / max(1, dataset.listing.sampled)
    return min(image, 0.5 * dataset.parameters.image_size**2) + 2048


def plan_shards(splits: dict[str, list[Bin]], bin_bytes: float, seed: int) -> dict[str, list[Bin]]:
    """What each shard holds, by name such as train-00000.

    Bins are in shuffled order, for readers that go through a shard from its beginning, and spread evenly.
    """
    shards: dict[str, list[Bin]] = {}
    for name, bins in splits.items():
        wanted = math.ceil(len(bins) * bin_bytes / SHARD_BYTES)
        number = min(len(bins), max(wanted, TRAIN_SHARDS if name == "train" else 1))
        shuffled = sorted(bins, key=lambda bin_: (unit_hash(f"order {seed}", bin_.id), bin_.id))
        for index in range(number):
            part = slice(index * len(bins) // number, (index + 1) * len(bins) // number)
            shards[f"{name}-{index:05d}"] = shuffled[part]
    return shards
