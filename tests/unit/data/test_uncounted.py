"""Photos with other counts than the labels: packed for training only, in their groups' own split."""

import io
import json
from typing import Any

import pytest
from bin_source import BinSource, jpeg, marked, metadata
from PIL import Image

from bins import sampling
from errors import TooManyRejects

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}


def add_uncounted(bin_source: BinSource) -> dict[str, str]:
    """Sixty counted bins; behind each of the last twenty, one with another count that shares an item with it.

    The result is each uncounted bin's group. Large photos, so that it shows whether they were reduced.
    """
    group = {}
    for number in range(1, 61):
        name = f"{number if number <= 40 else 2 * number - 40:05d}"
        bin_source.add(name, 1 + number % 5, [f"sku{number}"])
        if number > 40:
            other = f"{2 * number - 39:05d}"
            bin_source.put(
                f"metadata/{other}.json", metadata([f"sku{number}"], 0 if number % 4 == 0 else number % 4 + 5)
            )
            bin_source.put(f"bin-images/{other}.jpg", marked(jpeg(80, 60, quality=99), other))
            group[other] = name
    return group


def in_train(group: str) -> bool:
    return sampling.assigned_split(group, HALVES, seed=0) == "train"


def test_they_train_where_their_group_does_and_measure_nothing(bin_source: BinSource) -> None:
    # Given a dataset without them
    group = add_uncounted(bin_source)
    without = bin_source.make(split=HALVES)
    assert "uncounted" not in without
    # When it is made with them
    made = bin_source.make(split=HALVES, uncounted=True)
    # Then all else is as it was
    samples, before = bin_source.samples(made["id"]), bin_source.samples(without["id"])
    uncounted = samples.pop("uncounted")
    assert samples == before
    card, was = bin_source.card(made["id"]), bin_source.card(without["id"])
    assert (card["counts"], card["shares"]) == (was["counts"], was["shares"])
    assert card["leak"]["asBuilt"]["seenInTraining"] == 0
    # and those of train's groups are there, prepared as train's are
    wanted = {name: head for name, head in group.items() if in_train(head)}
    assert 0 < len(wanted) < len(group)
    assert {name: facts["group"] for name, (_, facts) in uncounted.items()} == wanted
    assert {Image.open(io.BytesIO(photo)).size for photo, _ in uncounted.values()} == {(32, 32)}
    assert all(facts["count"] in (0, 6, 7, 8) for _, facts in uncounted.values())
    # in shards enough for several instances
    folders = [shard["key"].split("/")[2:] for shard in card["shards"]]
    assert [name for folder, name in folders if folder == "uncounted"] == [f"uncounted-0000{n}.tar" for n in range(4)]
    # and they are told, by count, and those of other splits as left out
    by_count: dict[str, int] = {}
    for _, facts in sorted(uncounted.values(), key=lambda sample: int(sample[1]["count"])):
        by_count[str(facts["count"])] = by_count.get(str(facts["count"]), 0) + 1
    assert list(card["uncounted"].items()) == list(by_count.items())
    assert made["uncounted"] == len(wanted)
    assert made["rejected"] == {"count outside range": len(group) - len(wanted)}
    page = bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()
    few, more = by_count["0"], len(wanted) - by_count["0"]
    assert f"{len(wanted)} photos with other counts: {few} with 0 items and {more} with more than 5" in page
    # and a model of this dataset has seen them
    splits: dict[str, Any] = json.loads(bin_source.objects(f"datasets/{made['id']}/splits")[_splits(made)])
    seen = {name: head for head, bins in splits["train"].items() for name in bins}
    assert seen.items() >= wanted.items()
    assert not group.keys() & ({name for bins in splits["valid"].values() for name in bins} | seen.keys() - wanted)
    # and who uses the dataset again is told the same
    again = bin_source.plan(split=HALVES, uncounted=True)
    assert (again["ready"], again["card"]) == (True, made)


def _splits(made: dict[str, Any]) -> str:
    return f"datasets/{made['id']}/splits.json"


def test_the_copy_of_a_photo_that_measures_does_not_train(bin_source: BinSource) -> None:
    # Given an uncounted bin on its own that would train, with the photo of a counted one that is in test
    group = add_uncounted(bin_source)
    test = next(f"{n:05d}" for n in range(1, 41) if sampling.assigned_split(f"{n:05d}", HALVES, 0) == "test")
    copy = next(f"{n:05d}" for n in range(200, 300) if in_train(f"{n:05d}"))
    bin_source.add(copy, 9, image=marked(jpeg(), test))
    # When
    made = bin_source.make(split=HALVES, uncounted=True)
    # Then it is left out, and nothing else is
    samples = bin_source.samples(made["id"])
    assert test in samples["test"]
    assert samples["uncounted"].keys() == {name for name, head in group.items() if in_train(head)}
    assert bin_source.card(made["id"])["leak"]["asBuilt"]["seenInTraining"] == 0


def test_their_faults_are_told_and_tolerated_as_others_are(bin_source: BinSource) -> None:
    # Given four bins with other counts that would train, of which three are faulty: 3 of 64 wanted
    for number in range(1, 61):
        bin_source.add(f"{number:05d}", 1 + number % 5, [f"sku{number}"])
    names = [f"{n:05d}" for n in range(200, 400, 2) if in_train(f"{n:05d}")]
    damaged, absent, wrong, sound = names[:4]
    bin_source.add(damaged, 9, ["x"], image=jpeg()[:400])
    bin_source.put(f"metadata/{absent}.json", metadata([], 8))
    bin_source.put(f"metadata/{wrong}.json", metadata(["x"], 7, items=6))
    bin_source.put(f"bin-images/{wrong}.jpg", marked(jpeg(), wrong))
    bin_source.add(sound, 6, ["x"])
    asked = {"split": HALVES, "uncounted": True, "wrongLabels": "reject"}
    # When
    made = bin_source.make(**asked)
    # Then
    faults = {"count is not the sum of its items": 1, "damaged image": 1, "no image": 1}
    assert made["rejected"] == faults
    assert bin_source.samples(made["id"])["uncounted"].keys() == {sound}
    with pytest.raises(TooManyRejects, match=rf"3 of 64 wanted bins .* damaged image \(bin {damaged}\)"):
        bin_source.make(**asked, maximumRejects=0.0315)  # Enough for the two that Split knows of.
    # and where wrong labels are kept, the one that trains is named
    other = next(f"{n:05d}" for n in range(401, 500) if not in_train(f"{n:05d}"))
    bin_source.put(f"metadata/{other}.json", metadata(["x"], 7, items=6))
    bin_source.put(f"bin-images/{other}.jpg", marked(jpeg(), other))
    kept = bin_source.make(**asked | {"wrongLabels": "keep"})
    assert kept["uncounted"] == 2
    assert bin_source.card(kept["id"])["wrongLabels"] == {"count": 1, "examples": [wrong]}


def test_without_any_there_is_no_folder(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    made = bin_source.make(split=HALVES, uncounted=True)
    assert made["uncounted"] == 0
    assert "uncounted" not in bin_source.samples(made["id"])
    assert made["id"] != bin_source.make(split=HALVES)["id"]


def test_counts_below_the_labels_are_uncounted_too(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    made = bin_source.make(split=HALVES, uncounted=True, minCount=3)
    uncounted = bin_source.samples(made["id"])["uncounted"]
    assert {facts["count"] for _, facts in uncounted.values()} == {1, 2}
    page = bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()
    assert f"{len(uncounted)} with fewer than 3 items and 0 with more than 5" in page
