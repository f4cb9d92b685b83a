"""The data steps together, as the state machine runs them."""

import hashlib
import io
import json
import threading
import time
from typing import Any

import pytest
from bin_source import DATA_BUCKET, BinSource, jpeg, marked, metadata
from PIL import Image, ImageChops, ImageStat

import pack
import photo_file
import seal
import storage
from bins import photos
from dataset import sample
from errors import EmptyClass, EmptySplit, NoUsableImages, TooManyRejects
from tests.hard_photos import ODD_EXIF, cut_with_end, of_many_scans, picture, saved, with_wrong_checksum

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}


def without_measurements(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Objects as they are, but for what the steps took: that differs from run to run."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cleaned(inner) for key, inner in value.items() if key != "took"}
        return value

    return {
        key: json.dumps(cleaned(json.loads(body))).encode() if key.endswith(".json") else body
        for key, body in objects.items()
        if not key.endswith("card.html")
    }


def test_every_kept_bin_is_in_one_split_with_its_photo_and_facts(bin_source: BinSource) -> None:
    bin_source.add_many(90)
    bin_source.add("1", 3)
    bin_source.add("00200", 7)
    bin_source.put("metadata/00007.json", metadata(["sku7", "other7"], 3))
    made = bin_source.make(split=HALVES)
    samples = bin_source.samples(made["id"])
    names = [name for of_split in samples.values() for name in of_split]
    assert sorted(names) == sorted(["1", *(f"{n:05d}" for n in range(1, 91))])
    photo, facts = next(of_split["00007"] for of_split in samples.values() if "00007" in of_split)
    assert photo == marked(jpeg(), "00007")
    own = {"id": "00007", "count": 3, "group": "00007"}
    assert facts == {**own, "width": 40, "height": 32}
    for split, of_split in samples.items():
        counted = {str(label): sum(facts["count"] == label for _, facts in of_split.values()) for label in range(1, 6)}
        assert made["counts"][split] == counted
    assert made["rejected"] == {"count outside range": 1}


def test_what_models_are_made_from_is_listed_by_group(bin_source: BinSource) -> None:
    """So that an evaluation on another dataset's test split knows what a model of this one has seen."""
    bin_source.add_many(80)
    made = bin_source.make(split=HALVES)
    samples = bin_source.samples(made["id"])
    listed = json.loads(bin_source.objects(f"datasets/{made['id']}/")[f"datasets/{made['id']}/splits.json"])
    # all of training and validation and nothing of test, each bin at its group
    assert listed.keys() == {"train", "valid"}
    for split, groups in listed.items():
        assert {name: group for group, bins in groups.items() for name in bins} == {
            name: facts["group"] for name, (_, facts) in samples[split].items()
        }
    assert any(len(bins) > 1 for bins in listed["train"].values())


def test_neither_batches_nor_retries_change_a_dataset(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a dataset that was made in one go
    bin_source.add_many(70)
    bin_source.put("metadata/00009.json", b"?")
    made = bin_source.make(split=HALVES)
    prefix = f"datasets/{made['id']}/"
    once = without_measurements(bin_source.objects(prefix))

    # When it is made again in other batches, and each step twice
    for key in bin_source.objects(prefix):
        bin_source.s3.delete_object(Bucket=DATA_BUCKET, Key=key)
    monkeypatch.setattr(sample, "BATCH", 7)
    dataset = bin_source.plan(split=HALVES)
    for step in (bin_source.catalogue, bin_source.split, bin_source.pack):
        step(dataset)
        step(dataset)
    seal.handler({"dataset": dataset}, None)
    again = seal.handler({"dataset": dataset}, None)

    # Then it is the same but for the batches themselves
    twice = without_measurements(bin_source.objects(prefix))
    assert again == made
    assert {key: body for key, body in once.items() if "catalogue" not in key and "batches" not in key} == {
        key: body for key, body in twice.items() if "catalogue" not in key and "batches" not in key
    }


def test_a_finished_dataset_is_used_again(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    assert bin_source.plan(split=HALVES)["ready"] is False
    made = bin_source.make(split=HALVES)
    again = bin_source.plan(split=HALVES)
    assert again["ready"] is True
    assert again["card"] == made


def test_the_card_tells_what_the_dataset_holds(bin_source: BinSource) -> None:
    bin_source.add_many(90)
    bin_source.add("00091", 2, image=jpeg(32, 64))
    bin_source.add("00092", 2, image=b"PK")
    bin_source.add("00093", 99)
    made = bin_source.make(split=HALVES)
    card = bin_source.card(made["id"])
    assert card["counts"] == made["counts"]
    assert card["rejected"] == {
        "count outside range": {"count": 1, "examples": ["00093"]},
        "not a JPEG or PNG image": {"count": 1, "examples": ["00092"]},
    }
    assert card["imageSizes"]["height"] == {"smallest": 32, "median": 32, "largest": 64}
    assert (card["imageSizes"]["landscape"], card["imageSizes"]["portrait"]) == (90, 1)
    assert card["groups"] == {"1": 32, "2": 30}
    assert card["leak"]["asBuilt"]["seenInTraining"] == 0
    assert card["asked"]["split"] == {**HALVES, "by": "group"}
    assert {share["split"] for share in card["shares"]} == {"train", "valid", "test"}
    assert card["took"]["pack"]["requests"] == 92
    assert all(1 <= len(pictures) <= 8 for pictures in card["samples"].values())
    objects = bin_source.objects()
    for shard in card["shards"]:
        body = objects[shard["key"]]
        assert (len(body), hashlib.sha256(body).hexdigest()) == (shard["bytes"], shard["sha256"])


def test_the_cards_page_is_whole_and_shows_nothing_unescaped(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    made = bin_source.make(split={**HALVES, "by": "image"})
    page = bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()
    assert made["id"] in page
    assert "Leaky" in page
    assert page.count("data:image/jpeg;base64,") == sum(
        len(pictures) for pictures in bin_source.card(made["id"])["samples"].values()
    )


def test_a_class_without_an_image_in_a_split_is_told(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    bin_source.add("00061", 6)
    made = bin_source.make(split=HALVES, maxCount=6)
    missing = bin_source.card(made["id"])["classesMissing"]
    assert sorted(labels for labels in missing.values()) == [["6"], ["6"]]
    assert "has no image with 6 items" in bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()


def split_of(bin_source: BinSource, name: str) -> str:
    """Which split a bin falls to, whatever it holds."""
    samples = bin_source.samples(bin_source.make(split=HALVES)["id"])
    return next(split for split, of_split in samples.items() if name in of_split)


def test_a_class_without_an_image_ends_before_anything_is_packed(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    dataset = bin_source.plan(split=HALVES, maxCount=7)
    bin_source.catalogue(dataset)
    with pytest.raises(EmptyClass) as raised:
        bin_source.split(dataset)
    assert str(raised.value) == (
        "dataset.minCount and dataset.maxCount: 1 and 7 were given; the train split has no image with 6 or 7 items, "
        "which no model could then answer; must be a range of counts that the source holds, or dataset.fraction (1) "
        "must take more bins, or another seed may help"
    )


def test_a_class_that_only_training_lacks_ends_too(bin_source: BinSource) -> None:
    # Given a bin in the test split that alone holds as much
    bin_source.add_many(60)
    name = next(name for name in ("00002", "00004", "00007", "00010") if split_of(bin_source, name) == "test")
    bin_source.add(name, 6)
    dataset = bin_source.plan(split=HALVES, maxCount=6)
    bin_source.catalogue(dataset)
    with pytest.raises(EmptyClass, match="the train split has no image with 6 items"):
        bin_source.split(dataset)


def test_a_class_of_which_no_photo_can_be_used_ends_before_training(bin_source: BinSource) -> None:
    # Given a bin in the train split that alone holds as much, and a photo of it that is none
    bin_source.add_many(60)
    name = next(name for name in ("00002", "00004", "00007", "00010") if split_of(bin_source, name) == "train")
    bin_source.add(name, 6, image=b"PK")
    with pytest.raises(EmptyClass, match=rf"no image with 6 items, .*: 1 not a JPEG or PNG image \(bin {name}\)"):
        bin_source.make(split=HALVES, maxCount=6)
    with pytest.raises(storage.client().exceptions.NoSuchKey):
        bin_source.card(bin_source.plan(split=HALVES, maxCount=6)["id"])


def test_large_photos_are_squashed_for_training_and_kept_for_what_measures(bin_source: BinSource) -> None:
    taken = {
        f"{number:05d}": marked(jpeg(*((100, 80) if number % 2 else (80, 120)), quality=99), str(number))
        for number in range(1, 41)
    }
    for number, (name, photo) in enumerate(taken.items()):
        bin_source.add(name, 1 + number % 5, image=photo)
    made = bin_source.make(split=HALVES)
    for split, of_split in bin_source.samples(made["id"]).items():
        for name, (photo, facts) in of_split.items():
            size = Image.open(io.BytesIO(photo)).size
            assert size == (facts["width"], facts["height"])
            if split == "train":
                assert size == (32, 32)
            else:
                assert photo == taken[name]


@pytest.mark.parametrize("size", [(40, 32), (400, 320)], ids=["small", "large"])
def test_hard_photos_are_packed_upright_or_rejected_with_a_reason(bin_source: BinSource, size: tuple[int, int]) -> None:
    # Given a source with photos of odd metadata, and with photos that only look whole
    bin_source.add_many(40)
    whole = saved(picture(*size), quality=90)
    for number, exif in enumerate(ODD_EXIF.values(), 41):
        bin_source.add(f"{number:05d}", 1, image=saved(picture(*size), exif=exif))
    bad = [cut_with_end(whole, 0.1), cut_with_end(whole, 0.5), with_wrong_checksum(saved(picture(), "PNG"), b"IDAT")]
    for number, image in enumerate([*bad, of_many_scans(1500, *size)], 51):
        bin_source.add(f"{number:05d}", 1, image=image)
    # When they are packed
    made = bin_source.make(split=HALVES, maximumRejects=0.2)
    # Then
    assert made["rejected"] == {"damaged image": 3, "image too large": 1}
    packed = {name: photo for of_split in bin_source.samples(made["id"]).values() for name, photo in of_split.items()}
    sideways = photo_file.squashed(saved(picture(*size), exif=ODD_EXIF["width as text"]), 32)
    for number in range(41, 45):
        photo, facts = packed[f"{number:05d}"]
        assert Image.open(io.BytesIO(photo)).size == (facts["width"], facts["height"])
        difference = ImageChops.difference(photo_file.squashed(photo, 32), sideways)
        assert max(ImageStat.Stat(difference).mean) < 3


def test_few_photos_are_decoded_at_once(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given photos that take a while
    bin_source.add_many(40)
    at_once, most, lock, as_taken = 0, 0, threading.Lock(), photos.as_taken

    def slowly(content: bytes, side: int) -> photos.Photo:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return as_taken(content, side)

    monkeypatch.setattr(photos, "as_taken", slowly)
    monkeypatch.setattr(photos, "for_training", slowly)
    # When they are packed
    bin_source.make(split=HALVES)
    # Then
    assert most == pack.DECODERS


def test_more_rejects_than_tolerated_are_refused_with_a_list(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    for number in (3, 5, 7):
        bin_source.put(f"metadata/{number:05d}.json", b"{}")
    dataset = bin_source.plan(split=HALVES)
    bin_source.catalogue(dataset)
    with pytest.raises(TooManyRejects, match=r"3 of 40 wanted bins \(7\.5%\).*unparsable.*00003, 00005, 00007"):
        bin_source.split(dataset)
    assert bin_source.make(split=HALVES, maximumRejects=0.1)["rejected"] == {"unparsable metadata": 3}


def test_rejects_of_metadata_and_images_count_together(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    bin_source.put("metadata/00003.json", b"{}")
    bin_source.put("bin-images/00005.jpg", jpeg()[:400])
    bin_source.put("bin-images/00007.jpg", b"PK")
    with pytest.raises(TooManyRejects, match=r"damaged image .*00005.*not a JPEG.*00007.*unparsable.*00003"):
        bin_source.make(split=HALVES)


def test_counts_out_of_range_are_no_faults(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    for number in range(41, 80):
        bin_source.add(f"{number:05d}", 9)
    assert bin_source.make(split=HALVES, maximumRejects=0)["rejected"] == {"count outside range": 39}


def test_a_source_without_a_usable_image_is_named(bin_source: BinSource) -> None:
    for number in range(1, 30):
        bin_source.add(f"{number:05d}", 1 + number % 5, image=b"PK%d" % number)
    with pytest.raises(NoUsableImages, match="not a JPEG or PNG image"):
        bin_source.make(split=HALVES)


def test_a_source_of_other_counts_is_named(bin_source: BinSource) -> None:
    for number in range(1, 30):
        bin_source.add(f"{number:05d}", 9)
    with pytest.raises(NoUsableImages, match="none of 29 sampled bins has an image and 1 to 5 items: other counts"):
        bin_source.make(split=HALVES)


def test_a_split_without_a_bin_is_named(bin_source: BinSource) -> None:
    bin_source.add_many(5)
    with pytest.raises(EmptySplit, match=r"dataset\.split\.(valid|test): 0\.05 was given; that left no bin of 5"):
        bin_source.make()
