"""The dataset card as a page for people."""

from pathlib import Path
from typing import Any

from pages import environment


def render(card: dict[str, Any]) -> str:
    """The card as one page that needs no other file."""
    templates = environment(Path(__file__).parent)
    templates.filters["items"] = _items
    counts, sizes = card["counts"], card["imageSizes"]
    shapes = [shape for shape in ("landscape", "portrait", "square") if shape in sizes]
    return templates.get_template("card.html.j2").render(
        card=card,
        images=sum(sum(classes.values()) for classes in counts.values()),
        rejects=sum(found["count"] for found in card["rejected"].values()),
        summary=_summary(card),
        warnings=_warnings(card),
        labels=list(card["samples"]),
        counts=[[name, *classes.values(), sum(classes.values())] for name, classes in counts.items()],
        uncounted=_uncounted(card) if card["asked"]["uncounted"] else None,
        shares=list(map(_share, card["shares"])),
        groups=sorted(card["groups"].items(), key=lambda pair: int(pair[0])),
        leaks=[
            _leak(f"{card['asked']['split']['by']} (this dataset)", card["leak"]["asBuilt"]),
            _leak("image (for comparison)", card["leak"]["byImage"]),
        ],
        rejected=[[reason, found["count"], ", ".join(found["examples"])] for reason, found in card["rejected"].items()],
        leave_out=_leave_out(card) if card["asked"]["leaveOut"] else None,
        copies=_copies(card["copies"]),
        copied=[
            [", ".join(copy["id"] for copy in its), ", ".join(str(copy["count"]) for copy in its)]
            for its in card["copies"]["examples"]
        ],
        wrong_labels=_wrong_labels(card["wrongLabels"]),
        shapes=", ".join(f"{sizes[shape]:,} {shape}" for shape in shapes),
        sizes=[[name, *sizes[name].values()] for name in ("width", "height")],
        shards=[[shard["key"], shard["images"], shard["bytes"], shard["sha256"]] for shard in card["shards"]],
        took=[[step, its["requests"], its["bytes"], f"{its['seconds']:.1f}"] for step, its in card["took"].items()],
    )


def _items(label: int | str) -> str:
    return f"{label} item{'' if str(label) == '1' else 's'}"


def _share(share: dict[str, Any]) -> list[object]:
    return [
        share["split"],
        "all bins" if share["label"] is None else _items(share["label"]),
        share["bins"],
        f"{share['asked']:.2%}",
        f"{share['got']:.2%}",
        f"{share['standard_error']:.2%}",
        f"{share['standard_errors']:+.1f} SE",
    ]


def _leak(assigned_by: str, found: dict[str, int]) -> list[object]:
    share = f"{found['seenInTraining'] / max(1, found['test']):.1%}"
    return [assigned_by, found["test"], found["seenInTraining"], share]


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
        f"For training only, {few + many:,} photos with other counts: {few:,} with {low} items and {many:,} with "
        f"more than {asked['maxCount']}."
    )


def _leave_out(card: dict[str, Any]) -> str:
    found = card["leaveOut"]
    return (
        f"Of the {found['listed']:,} bins that {card['asked']['leaveOut']} names, {found['leftOut']:,} are left out of "
        f"training. {found['kept']:,} stay in validation and test, which would flatter the model without them. "
        f"{found['absent']:,} are no usable bins of this sample."
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
