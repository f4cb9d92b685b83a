"""Split: assign every kept bin to train, valid or test, a whole group at a time, and plan the shards."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import storage
from dataset import balance, classes, copies, leave_out
from dataset.assignment import UNCOUNTED, Bin, assign, leak, made_from, unit
from dataset.copies import Copy
from dataset.planned import PlannedDataset
from dataset.rejects import EXAMPLES, KEPT, LEFT_OUT, OUT_OF_RANGE, Rejects
from dataset.shards import packed_bytes, plan_shards
from errors import EmptySplit, NoUsableImages
from run.contract import Split


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Split `event["dataset"]` and write what each shard is to hold; the result counts bins and shards by split."""
    dataset = PlannedDataset.model_validate(event["dataset"])
    parameters = dataset.parameters
    found = read_catalogue(dataset)
    joined = copies.joined(found.copied)
    bins, uncounted = _joined(found.bins, joined), _joined(found.uncounted, joined)
    rejects = found.rejects
    if not bins:
        raise NoUsableImages(
            f"dataset.source: {parameters.source} was given; none of {dataset.listing.sampled} sampled bins has an "
            f"image and {parameters.min_count} to {parameters.max_count} items: {rejects.listed() or 'other counts'}"
        )
    rejects.check(len(bins) + len(uncounted), parameters.maximum_rejects)

    splits = assign(bins, parameters.split, dataset.seed)
    for name, asked in parameters.split.shares.items():
        if not splits[name]:
            raise EmptySplit(
                f"dataset.split.{name}: {asked:g} was given; that left no bin of {len(bins)} for "
                f"{name}{copies.most(found.copied)}; "
                f"must be larger, or {parameters.more_bins}"
            )
    listed = leave_out.read(dataset)
    in_train = leave_out.without(splits, listed)["train"]
    not_trained = len(splits["train"]) - len(in_train)
    because = f"dataset.leaveOut leaves out {not_trained} that it had" if not_trained else ""
    classes.check(Counter(bin_.quantity for bin_ in in_train), parameters, because)
    # Of all bins, as a list is no chance.
    shares = balance.measure(
        ((unit(bin_, parameters.split), bin_.quantity, name) for name, its in splits.items() for bin_ in its),
        parameters.split.shares,
        parameters.labels,
    )
    balance.check(shares)

    assigned = splits | _for_training(uncounted, parameters.split, dataset.seed)
    not_wanted = {bin_.id: OUT_OF_RANGE for bin_ in uncounted}
    for bin_ in assigned.get(UNCOUNTED, ()):
        del not_wanted[bin_.id]
    not_wanted |= dict.fromkeys(leave_out.trained(assigned, listed), LEFT_OUT)
    for name, reason in sorted(not_wanted.items()):
        rejects.add(reason, name)
    wrong_labels = [name for name in found.wrong_labels if name not in not_wanted]
    packed = leave_out.without(assigned, listed)

    shards = plan_shards(packed, partial(packed_bytes, dataset), dataset.seed)
    for shard, held in shards.items():
        storage.write_json(dataset.bucket, dataset.key("work", "shards", f"{shard}.json"), held)
    image_by_image = parameters.split.model_copy(update={"by": "image"})
    by_image = assign(bins, image_by_image, dataset.seed) | _for_training(uncounted, image_by_image, dataset.seed)
    report = {
        "shares": [{**asdict(share), "standard_errors": share.standard_errors} for share in shares],
        "groups": Counter(Counter(bin_.group for bin_ in bins).values()),
        "leak": {"asBuilt": leak(packed), "byImage": leak(by_image)},
        "rejected": rejects.to_json(),
        "leaveOut": leave_out.told(assigned, listed),
        "copies": copies.told(found.copied),
        "wrongLabels": {"count": len(wrong_labels), "examples": wrong_labels[:EXAMPLES]},
        "took": {"plan": dataset.listing.took, "catalogue": found.took},
    }
    storage.write_json(dataset.bucket, dataset.key("work", "split.json"), report)
    # For evaluations of other datasets' models against one of this: bins that Pack rejects are in it, and in no test.
    storage.write_json(dataset.bucket, dataset.key("splits.json"), made_from(packed))
    # Last: the map that packs starts from this list.
    storage.write_json(dataset.bucket, dataset.shards, [{"shard": shard} for shard in shards])
    return {"bins": {name: len(its) for name, its in packed.items()}, "shards": len(shards)}


def _joined(bins: list[Bin], joined: Mapping[str, str]) -> list[Bin]:
    """The bins in the groups that theirs are part of because of copies."""
    return [bin_._replace(group=joined.get(bin_.group, bin_.group)) for bin_ in bins] if joined else bins


def _for_training(uncounted: list[Bin], split: Split, seed: int) -> dict[str, list[Bin]]:
    """Those of the bins with other counts that fall to train, as a split of their own if there are any."""
    bins = assign(uncounted, split, seed)["train"]
    return {UNCOUNTED: bins} if bins else {}


@dataclass
class Catalogued:
    """What Catalogue found: the kept bins in the order of their names, the rejected ones, and what reading took.

    `uncounted` are bins with other counts that may train. `wrong_labels` names the bins of both whose count is not the
    sum of their items; `copied` are the bins, kept or not, whose photo others have, too.
    """

    bins: list[Bin] = field(default_factory=list)
    uncounted: list[Bin] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    wrong_labels: list[str] = field(default_factory=list)
    copied: list[Copy] = field(default_factory=list)
    took: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, Any]) -> None:
        """Take over one bin."""
        if copy := record["copy"]:
            self.copied.append(Copy(record["id"], record["count"], record["group"], copy["of"], copy["group"]))
        if record["verdict"] not in (KEPT, UNCOUNTED):
            self.rejects.add(record["verdict"], record["id"])
            return
        bins = self.bins if record["verdict"] == KEPT else self.uncounted
        bins.append(Bin(record["id"], record["count"], record["group"]))
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
