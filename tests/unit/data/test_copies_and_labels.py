"""Copies of a photo and wrong labels in a source: what becomes of them, and what the card tells."""

import html

import pytest
from bin_source import BinSource, jpeg, metadata

from errors import EmptySplit, TooManyRejects

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}


def test_copies_of_a_photo_are_in_one_split_and_told(bin_source: BinSource) -> None:
    # Given a source, and where its bins fall
    bin_source.add_many(90)
    before = bin_source.samples(bin_source.make(split=HALVES)["id"])
    # When two distant bins of every split get the photo of another, one with a count of its own, one that is unwanted
    of_split = {split: sorted(samples) for split, samples in before.items()}
    first, *copies = sorted([*of_split["train"][-2:], *of_split["valid"][-2:], *of_split["test"][-2:]])
    for name in (first, *copies):
        bin_source.put(f"bin-images/{name}.jpg", jpeg())
    bin_source.add("00200", 9, image=jpeg())
    made = bin_source.make(split=HALVES)
    # Then they are in the first one's split, and of the others those stay that are of no copy's group
    after = bin_source.samples(made["id"])
    was = {name: split for split, samples in before.items() for name in samples}
    where = {name: split for split, samples in after.items() for name in samples}
    group = {name: facts["group"] for samples in before.values() for name, (_, facts) in samples.items()}
    assert {where[name] for name in copies} == {where[first]}
    assert where.keys() == was.keys()
    assert {group[name] for name in was if where[name] != was[name]} <= {group[name] for name in copies} - {
        group[first]
    }
    # and the card tells
    card = bin_source.card(made["id"])
    counts = {name: 1 + int(name) % 5 for name in (first, *copies)} | {"00200": 9}
    assert card["copies"] == {
        "photos": 1,
        "bins": 7,
        "photosWithDifferentCounts": 1,
        "examples": [[{"id": name, "count": count} for name, count in counts.items()]],
    }
    assert card["leak"]["asBuilt"]["seenInTraining"] == 0
    page = html.unescape(bin_source.objects()[f"datasets/{made['id']}/card.html"].decode())
    assert (
        "Of 7 bins of the sample the photo is another bin's, too (photos: 1, of which with different counts: 1)" in page
    )


def test_copies_that_leave_no_bin_for_a_split_are_named(bin_source: BinSource) -> None:
    for number in range(1, 31):
        bin_source.add(f"{number:05d}", 1 + number % 5, image=jpeg())
    with pytest.raises(
        EmptySplit, match=r"left no bin of 30 for \w+: 30 bins have the photo of 00001, and copies stay"
    ):
        bin_source.make(split=HALVES)


def wrongly_labelled(bin_source: BinSource) -> None:
    """Forty bins of which two hold other items than their count says, and a third that nobody wants."""
    bin_source.add_many(40)
    for number, count, items in ((12, 5, 4), (31, 1, 3), (33, 9, 8)):
        bin_source.put(f"metadata/{number:05d}.json", metadata([f"sku{number}"], count, items))


def test_wrong_labels_are_kept_and_told(bin_source: BinSource) -> None:
    wrongly_labelled(bin_source)
    made = bin_source.make(split=HALVES, maximumRejects=0)
    assert made["rejected"] == {"count outside range": 1}
    assert bin_source.card(made["id"])["wrongLabels"] == {"count": 2, "examples": ["00012", "00031"]}
    page = html.unescape(bin_source.objects()[f"datasets/{made['id']}/card.html"].decode())
    assert "2 bins are kept whose count is not the sum of their items' quantities: 00012, 00031." in page


def test_wrong_labels_are_rejected_if_asked(bin_source: BinSource) -> None:
    wrongly_labelled(bin_source)
    made = bin_source.make(split=HALVES, wrongLabels="reject", maximumRejects=0.06)
    card = bin_source.card(made["id"])
    assert card["rejected"]["count is not the sum of its items"] == {"count": 2, "examples": ["00012", "00031"]}
    assert card["wrongLabels"] == {"count": 0, "examples": []}
    assert sum(sum(classes.values()) for classes in card["counts"].values()) == 37
    # They count as faults.
    with pytest.raises(TooManyRejects, match=r"2 count is not the sum of its items \(bins 00012, 00031"):
        bin_source.make(split=HALVES, wrongLabels="reject", maximumRejects=0.04)
