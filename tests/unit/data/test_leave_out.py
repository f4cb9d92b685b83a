"""`dataset.leaveOut`: listed bins do not train; what measures stays as it was."""

import json
from typing import Any

import pytest
from bin_source import DATA_BUCKET, BinSource

from bins import sampling
from errors import EmptyClass
from run.contract import InvalidInput

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}
URI = f"s3://{DATA_BUCKET}/lists/leave_out.json"


def put(bin_source: BinSource, bins: list[str], uri: str = URI) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    bin_source.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(bins).encode())


def of_splits(bin_source: BinSource, made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return bin_source.samples(made["id"])


def test_listed_bins_do_not_train_and_measure_as_before(bin_source: BinSource) -> None:
    # Given a dataset, and a list of bins of each of its splits and of one that is nowhere
    bin_source.add_many(90)
    before = bin_source.make(split=HALVES)
    splits = of_splits(bin_source, before)
    listed = {name: sorted(of_split)[:3] for name, of_split in splits.items()}
    put(bin_source, [*listed["train"], *listed["valid"], *listed["test"], "00999"])
    # When it is made without them
    made = bin_source.make(split=HALVES, leaveOut=URI, maximumRejects=0)
    # Then only training lacks them
    after = of_splits(bin_source, made)
    assert (after["valid"], after["test"]) == (splits["valid"], splits["test"])
    assert after["train"] == {name: it for name, it in splits["train"].items() if name not in listed["train"]}
    # and that is told, as no fault
    assert made["rejected"] == {"left out of training": 3}
    card, was = bin_source.card(made["id"]), bin_source.card(before["id"])
    assert card["leaveOut"] == {"listed": 10, "leftOut": 3, "kept": 6, "absent": 1}
    assert card["rejected"]["left out of training"]["examples"] == listed["train"]
    assert card["shares"] == was["shares"]
    page = bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()
    assert f"Of the 10 bins that {URI} names, 3 are left out of training. 6 stay in validation and test" in page
    assert "stay in validation" not in bin_source.objects()[f"datasets/{before['id']}/card.html"].decode()
    # and nobody takes them for seen
    seen = json.loads(bin_source.objects(f"datasets/{made['id']}/splits")[f"datasets/{made['id']}/splits.json"])
    assert {name for bins in seen["train"].values() for name in bins} == after["train"].keys()


def test_photos_with_other_counts_can_be_left_out_too(bin_source: BinSource) -> None:
    # Given one bin that only trains
    bin_source.add_many(60)
    other = next(f"{n:05d}" for n in range(200, 300) if sampling.assigned_split(f"{n:05d}", HALVES, 0) == "train")
    bin_source.add(other, 9)
    assert of_splits(bin_source, bin_source.make(split=HALVES, uncounted=True))["uncounted"].keys() == {other}
    put(bin_source, [other])
    # When it is left out, Then nothing of that split is left
    made = bin_source.make(split=HALVES, uncounted=True, leaveOut=URI)
    assert "uncounted" not in of_splits(bin_source, made)
    assert (made["uncounted"], made["rejected"]) == (0, {"left out of training": 1})


def test_the_list_is_part_of_the_id_by_what_it_names(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    elsewhere = f"s3://{DATA_BUCKET}/lists/others.json"
    put(bin_source, ["00001", "00002"])
    put(bin_source, ["bin-images/00002.jpg", "00001"], elsewhere)
    one = bin_source.plan(leaveOut=URI)["id"]
    assert bin_source.plan(leaveOut=elsewhere)["id"] == one
    put(bin_source, ["00001"])
    assert len({one, bin_source.plan(leaveOut=URI)["id"], bin_source.plan()["id"]}) == 3


def test_a_count_of_which_nothing_is_left_ends_the_execution(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    put(bin_source, [f"{number:05d}" for number in range(1, 61) if number % 5 == 2])
    planned = bin_source.plan(split=HALVES, leaveOut=URI)
    bin_source.catalogue(planned)
    with pytest.raises(EmptyClass, match=r"no image with 3 items, .*: dataset\.leaveOut leaves out \d+ that it had;"):
        bin_source.split(planned)


def test_a_list_that_plan_cannot_read_is_refused_by_its_field(bin_source: BinSource) -> None:
    with pytest.raises(InvalidInput, match=r'^dataset\.leaveOut: "s3://elsewhere/a\.json" was given; must be'):
        bin_source.plan(leaveOut="s3://elsewhere/a.json")
