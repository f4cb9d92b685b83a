"""Seal: collect what was packed, refuse a dataset that is not as asked, and write its card: then it is complete."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import storage
from dataset import card, card_page, classes
from dataset.assignment import UNCOUNTED
from dataset.planned import PlannedDataset
from dataset.rejects import Rejects
from errors import EmptySplit, NoUsableImages


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Complete `event["dataset"]`; the result is the dataset's part of the execution's output.

    Raises:
        NoUsableImages, EmptySplit, EmptyClass: too few images could be decoded.
        TooManyRejects: more bins were unusable than the input tolerates, metadata and images together.
    """
    dataset = PlannedDataset.model_validate(event["dataset"])
    split = storage.read_json(dataset.bucket, dataset.key("work", "split.json"))
    packed = read_packed(dataset)
    rejects = Rejects.from_json(split["rejected"])
    for shard in packed:
        rejects.merge(Rejects.from_json(shard["rejected"]))
    counts = count_images(dataset, packed)
    uncounted = count_uncounted(packed)
    check(dataset, counts, sum(uncounted.values()), rejects)

    content = card.describe(dataset, counts, uncounted, rejects, split, packed)
    page = card_page.render(content).encode()
    storage.write(dataset.bucket, dataset.key("card.html"), page, "text/html; charset=utf-8")
    # Last: whoever finds this finds the whole dataset.
    storage.write_json(dataset.bucket, dataset.key("card.json"), content)
    return card.output(content)


def read_packed(dataset: PlannedDataset) -> list[dict[str, Any]]:
    """What Pack tells of each shard, in the order of the shards."""
    keys = [
        dataset.key("work", "packed", f"{item['shard']}.json")
        for item in storage.read_json(dataset.bucket, dataset.shards)
    ]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda key: storage.read_json(dataset.bucket, key), keys))


def count_images(dataset: PlannedDataset, packed: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Images by split and class, {"train": {"1": n, ...}, ...}; every split and class is there, zeros too."""
    counted: Counter[tuple[str, str]] = Counter()
    for shard in packed:
        for label, number in shard["counts"].items():
            counted[shard["split"], label] += number
    parameters = dataset.parameters
    return {
        split: {str(label): counted[split, str(label)] for label in parameters.labels}
        for split in parameters.split.shares
    }


def count_uncounted(packed: list[dict[str, Any]]) -> dict[str, int]:
    """Images with other counts than the labels, which only train, by count, ascending."""
    counted: Counter[str] = Counter()
    for shard in packed:
        if shard["split"] == UNCOUNTED:
            counted.update(shard["counts"])
    return dict(sorted(counted.items(), key=lambda pair: int(pair[0])))


def check(dataset: PlannedDataset, counts: dict[str, dict[str, int]], uncounted: int, rejects: Rejects) -> None:
    """Refuse a dataset that cannot be used, or with more rejects than tolerated of all wanted bins."""
    images = {split: sum(classes.values()) for split, classes in counts.items()}
    given = f"dataset.source: {dataset.parameters.source} was given"
    if not any(images.values()):
        raise NoUsableImages(f"{given}; none of its sampled images can be used: {rejects.listed()}")
    rejects.check(sum(images.values()) + uncounted, dataset.parameters.maximum_rejects)
    for split, number in images.items():
        if not number:
            raise EmptySplit(f"{given}; no image of the {split} split can be used: {rejects.listed()}")
    in_train = {int(label): number for label, number in counts["train"].items()}
    classes.check(in_train, dataset.parameters, rejects.listed())
