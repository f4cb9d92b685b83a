"""The dataset card: what a dataset holds, where it comes from, how it was split, and what was left out."""

import statistics
from collections import Counter
from typing import Any

from dataset.planned import PlannedDataset
from dataset.rejects import Rejects

PICTURES = 8
"""Sample pictures of each class."""

AMAZON_BIN_IMAGES = "aft-vbi-pds"
LICENCES = {
    AMAZON_BIN_IMAGES: {
        "name": "Creative Commons Attribution-NonCommercial-ShareAlike 3.0 United States (CC BY-NC-SA 3.0 US)",
        "url": "https://creativecommons.org/licenses/by-nc-sa/3.0/us/",
        "attribution": "Amazon Bin Image Dataset, Amazon.com, Inc., Registry of Open Data on AWS",
        "changes": "sampled; images for training reduced and re-encoded where they were larger than asked",
    }
}


def describe(
    dataset: PlannedDataset,
    counts: dict[str, dict[str, int]],
    uncounted: dict[str, int],
    rejects: Rejects,
    split: dict[str, Any],
    packed: list[dict[str, Any]],
) -> dict[str, Any]:
    """The card as JSON.

    Args:
        counts: images by split and class.
        uncounted: images that only train, by count.
        split: what Split reports of shares, groups, leaks and time.
        packed: what Pack tells of each shard.
    """
    pack_took: Counter[str] = Counter()
    for shard in packed:
        pack_took.update(shard["took"])
    return {
        "id": dataset.id,
        "uri": dataset.uri,
        "source": {
            "uri": dataset.source.uri,
            "bins": dataset.listing.bins,
            "sampled": dataset.listing.sampled,
            "licence": LICENCES.get(dataset.parameters.source_bucket),
        },
        "asked": {**dataset.parameters.model_dump(mode="json", by_alias=True), "seed": dataset.seed},
        "counts": counts,
        "uncounted": uncounted,
        "classesMissing": {
            name: absent
            for name, classes in counts.items()
            if (absent := [label for label, n in classes.items() if not n])
        },
        "shares": split["shares"],
        "groups": split["groups"],
        "leak": split["leak"],
        "rejected": rejects.to_json(),
        "leaveOut": split["leaveOut"],
        "copies": split["copies"],
        "wrongLabels": split["wrongLabels"],
        "imageSizes": image_sizes(packed),
        "shards": [
            {
                "key": dataset.key(shard["split"], f"{shard['shard']}.tar"),
                "images": sum(shard["counts"].values()),
                "bytes": shard["bytes"],
                "sha256": shard["sha256"],
            }
            for shard in packed
        ],
        "took": {**split["took"], "pack": pack_took},
        "samples": samples(dataset, packed),
    }


def output(card: dict[str, Any]) -> dict[str, Any]:
    """The dataset's part of the execution's output; `uncounted`, a number of images, only if they were asked for."""
    uncounted = {"uncounted": sum(card["uncounted"].values())} if card["asked"]["uncounted"] else {}
    return {
        "id": card["id"],
        "uri": card["uri"],
        "counts": card["counts"],
        **uncounted,
        "rejected": {reason: found["count"] for reason, found in card["rejected"].items()},
    }


def image_sizes(packed: list[dict[str, Any]]) -> dict[str, Any]:
    """Range and median of the source images' width and height, and how many are in which format."""
    sizes: Counter[tuple[int, int]] = Counter()
    for shard in packed:
        for size, number in shard["sizes"].items():
            width, height = map(int, size.split("x"))
            sizes[width, height] += number
    shape = Counter[str]()
    for (width, height), number in sizes.items():
        shape["landscape" if width > height else "portrait" if width < height else "square"] += number
    measured = {}
    for axis, name in enumerate(("width", "height")):
        values = [size[axis] for size in sizes.elements()]
        measured[name] = {"smallest": min(values), "median": statistics.median(values), "largest": max(values)}
    return {**measured, **shape}


def samples(dataset: PlannedDataset, packed: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """A few pictures of each class, base64 JPEG, the same ones in every run."""
    return {
        str(label): [picture for shard in packed for picture in shard["samples"].get(str(label), ())][:PICTURES]
        for label in dataset.parameters.labels
    }
