"""The dataset card: what a dataset holds, where it comes from, how it was split, and what was left out."""

import statistics
from collections import Counter
from html import escape
from pathlib import Path
from string import Template
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


def to_html(card: dict[str, Any]) -> str:
    """The card as one page that needs no other file."""
    template = Template(Path(__file__).with_name("card_template.html").read_text(encoding="utf-8"))
    labels = list(card["samples"])
    images = sum(sum(classes.values()) for classes in card["counts"].values())
    faults = sum(found["count"] for found in card["rejected"].values())
    return template.substitute(
        id=escape(card["id"]),
        images=f"{images:,}",
        summary=escape(_summary(card)),
        warnings="".join(f'<p class="warning">{escape(text)}</p>' for text in _warnings(card)),
        counts=_table(
            ["split", *map(_items, labels), "all"],
            [[name, *classes.values(), sum(classes.values())] for name, classes in card["counts"].items()],
        ),
        uncounted=_uncounted(card) if card["asked"]["uncounted"] else "",
        shares=_table(
            ["split", "of", "bins", "asked", "got", "standard error", "deviation"],
            [
                [
                    share["split"],
                    "all bins" if share["label"] is None else _items(share["label"]),
                    share["bins"],
                    f"{share['asked']:.2%}",
                    f"{share['got']:.2%}",
                    f"{share['standard_error']:.2%}",
                    f"{share['standard_errors']:+.1f} SE",
                ]
                for share in card["shares"]
            ],
        ),
        leak=_table(
            ["assigned by", "test bins", "of a group seen in training", "share"],
            [
                [name, found["test"], found["seenInTraining"], f"{found['seenInTraining'] / max(1, found['test']):.1%}"]
                for name, found in (
                    (f"{card['asked']['split']['by']} (this dataset)", card["leak"]["asBuilt"]),
                    ("image (for comparison)", card["leak"]["byImage"]),
                )
            ],
        ),
        groups=_table(["bins in a group", "groups"], sorted(card["groups"].items(), key=lambda pair: int(pair[0]))),
        rejected=_table(
            ["reason", "bins", "examples"],
            [[reason, found["count"], ", ".join(found["examples"])] for reason, found in card["rejected"].items()],
        ),
        rejects=f"{faults:,}",
        copies=escape(_copies(card["copies"])),
        copied=_table(
            ["bins with the same photo", "their counts"],
            [
                [", ".join(copy["id"] for copy in its), ", ".join(str(copy["count"]) for copy in its)]
                for its in card["copies"]["examples"]
            ],
        )
        if card["copies"]["examples"]
        else "",
        wrong_labels=escape(_wrong_labels(card["wrongLabels"])),
        sizes=_table(
            ["", "smallest", "median", "largest"],
            [[name, *card["imageSizes"][name].values()] for name in ("width", "height")],
        ),
        shapes=escape(
            ", ".join(
                f"{card['imageSizes'][shape]:,} {shape}"
                for shape in ("landscape", "portrait", "square")
                if shape in card["imageSizes"]
            )
        ),
        pictures="".join(
            f"<h3>{_items(label)}</h3><div class='pictures'>{''.join(map(_picture, pictures))}</div>"
            for label, pictures in card["samples"].items()
        ),
        shards=_table(
            ["shard", "images", "bytes", "sha256"],
            [[shard["key"], shard["images"], shard["bytes"], shard["sha256"]] for shard in card["shards"]],
        ),
        took=_table(
            ["step", "source requests", "bytes read", "seconds, all functions"],
            [[step, its["requests"], its["bytes"], f"{its['seconds']:.1f}"] for step, its in card["took"].items()],
        ),
        licence=_licence(card["source"]),
    )


def _items(label: int | str) -> str:
    return f"{label} item{'' if str(label) == '1' else 's'}"


def _summary(card: dict[str, Any]) -> str:
    asked = card["asked"]
    chosen = f"those that {asked['files']} names" if asked["files"] else f"fraction {asked['fraction']:g}"
    return (
        f"From {card['source']['sampled']:,} of the {card['source']['bins']:,} bins in {card['source']['uri']} "
        f"({chosen}): those with {asked['minCount']} to {asked['maxCount']} items, "
        f"for training {asked['imageSize']} pixels square, seed {asked['seed']}."
    )


def _warnings(card: dict[str, Any]) -> list[str]:
    found = []
    if card["asked"]["split"]["by"] == "image":
        found.append(
            "Leaky: images were assigned one by one, so the same bin can be in training and test. Accuracy on this "
            "test split is too good; use it only to compare with figures that were made the same way."
        )
    found += [
        f"The {name} split has no image with {', '.join(labels)} items."
        for name, labels in card["classesMissing"].items()
    ]
    found += [
        f"The {share['split']} share of "
        f"{'all bins' if share['label'] is None else 'the bins with ' + _items(share['label'])} is "
        f"{abs(share['standard_errors']):.1f} standard errors from what was asked."
        for share in card["shares"]
        if abs(share["standard_errors"]) > 3
    ]
    return found


def _uncounted(card: dict[str, Any]) -> str:
    asked, found = card["asked"], card["uncounted"]
    few = sum(photos for count, photos in found.items() if int(count) < asked["minCount"])
    many = sum(found.values()) - few
    low = "0" if asked["minCount"] == 1 else f"fewer than {asked['minCount']}"
    return (
        f"<p>For training only, {few + many:,} photos with other counts: {few:,} with {low} items and {many:,} with "
        f"more than {asked['maxCount']}.</p>{_table(['items', 'photos'], list(found.items()))}"
    )


def _copies(found: dict[str, Any]) -> str:
    if not found["photos"]:
        return "No two bins have the same photo."
    return (
        f"Of {found['bins']:,} bins of the sample the photo is another bin's, too (photos: {found['photos']:,}, "
        f"of which with different counts: {found['photosWithDifferentCounts']:,}). "
        "They are in one split, with their groups."
    )


def _wrong_labels(found: dict[str, Any]) -> str:
    number, names = found["count"], ", ".join(found["examples"])
    if not number:
        return "No bin is kept whose count is not the sum of its items' quantities."
    more = ", ..." if number > len(found["examples"]) else ""
    if number == 1:
        return f"1 bin is kept whose count is not the sum of its items' quantities: {names}."
    return f"{number:,} bins are kept whose count is not the sum of their items' quantities: {names}{more}."


def _licence(source: dict[str, Any]) -> str:
    licence = source["licence"]
    if licence is None:
        return f"The licence of {escape(source['uri'])} is not known here: ask its owner."
    return (
        f'{escape(licence["attribution"])}. <a href="{escape(licence["url"])}">{escape(licence["name"])}</a>. '
        f"Changes: {escape(licence['changes'])}."
    )


def _picture(picture: dict[str, str]) -> str:
    return (
        f'<figure><img alt="bin {escape(picture["id"])}" src="data:image/jpeg;base64,{escape(picture["jpeg"])}">'
        f"<figcaption>{escape(picture['id'])}</figcaption></figure>"
    )


def _table(header: list[str], rows: list[Any]) -> str:
    def cell(value: object, tag: str = "td") -> str:
        number = isinstance(value, (int, float))
        return f"<{tag}{' class=number' if number else ''}>{f'{value:,}' if number else escape(str(value))}</{tag}>"

    head = "".join(cell(name, "th") for name in header)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
