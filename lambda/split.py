"""Split: assign every kept bin to train, valid or test, a whole group at a time, and plan the shards."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import storage
from dataset import balance, classes, copies
from dataset.assignment import Bin, assign, leak, made_from, unit
from dataset.copies import Copy
from dataset.planned import PlannedDataset
from dataset.rejects import EXAMPLES, KEPT, Rejects
from dataset.shards import packed_bytes, plan_shards
from errors import EmptySplit, NoUsableImages


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Split `event["dataset"]` and write what each shard is to hold; the result counts bins and shards by split."""
    dataset = PlannedDataset.model_validate(event["dataset"])
    parameters = dataset.parameters
    found = read_catalogue(dataset)
    joined = copies.joined(found.copied)
    bins = [bin_._replace(group=joined.get(bin_.group, bin_.group)) for bin_ in found.bins] if joined else found.bins
    rejects = found.rejects
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
                f"dataset.split.{name}: {asked:g} was given; that left no bin of {len(bins)} for "
                f"{name}{copies.most(found.copied)}; "
                f"must be larger, or {parameters.more_bins}"
            )
    classes.check(Counter(bin_.quantity for bin_ in splits["train"]), parameters)
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
        "copies": copies.told(found.copied),
        "wrongLabels": {"count": len(found.wrong_labels), "examples": found.wrong_labels[:EXAMPLES]},
        "took": {"plan": dataset.listing.took, "catalogue": found.took},
    }
    storage.write_json(dataset.bucket, dataset.key("work", "split.json"), report)
    # For evaluations of other datasets' models against one of this: bins that Pack rejects are in it, and in no test.
    storage.write_json(dataset.bucket, dataset.key("splits.json"), made_from(splits))
    # Last: the map that packs starts from this list.
    storage.write_json(dataset.bucket, dataset.shards, [{"shard": shard} for shard in shards])
    return {"bins": {name: len(its) for name, its in splits.items()}, "shards": len(shards)}


@dataclass
class Catalogued:
    """What Catalogue found: the kept bins in the order of their names, the rejected ones, and what reading took.

    `wrong_labels` names the kept bins whose count is not the sum of their items; `copied` are the bins, kept or not,
    whose photo others have, too.
    """

    bins: list[Bin] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    wrong_labels: list[str] = field(default_factory=list)
    copied: list[Copy] = field(default_factory=list)
    took: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, Any]) -> None:
        """Take over one bin."""
        if copy := record["copy"]:
            self.copied.append(Copy(record["id"], record["count"], record["group"], copy["of"], copy["group"]))
        if record["verdict"] != KEPT:
            self.rejects.add(record["verdict"], record["id"])
            return
        known = len(record["skus"]), record["volume"], record["weight"]
        self.bins.append(Bin(record["id"], record["count"], record["group"], *known))
        if record["wrongLabel"]:
            self.wrong_labels.append(record["id"])


def read_catalogue(dataset: PlannedDataset) -> Catalogued:
    """All that the batches' records say."""

    def read(item: dict[str, Any]) -> Any:
        return storage.read_json(dataset.bucket, dataset.key("work", "catalogue", f"{item['batch']}.json"))

    found = Catalogued()
    with ThreadPoolExecutor(8) as pool:
        for batch in pool.map(read, storage.read_json(dataset.bucket, dataset.batches)):
            for record in batch["records"]:
                found.add(record)
            found.took.update(batch["took"])
    return found
