"""Synthetic bins: the dataset's layout and its oddities, the same for the same seed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rehearsal.bins import write_bins
from rehearsal.bins.dataset import BinFiles, bin_files, bins
from rehearsal.bins.metadata import metadata
from rehearsal.bins.population import LONGEST_RUN, bin_at, continues


def skus(number: int) -> set[str]:
    return {item.asin for item in bin_at(0, "padded", number).items}


def decoded(files: BinFiles) -> np.ndarray:
    assert files.image is not None
    return np.asarray(Image.open(io.BytesIO(files.image)).convert("RGB"), dtype=np.float32)


def parsed(files: BinFiles) -> Any:
    assert files.metadata is not None
    return json.loads(files.metadata)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bins")
    write_bins(folder, count=150, seed=0)
    return folder


def test_layout_is_the_datasets_own(written: Path) -> None:
    # given 150 bins, when their names are listed
    images = {path.stem for path in (written / "bin-images").glob("*.jpg")}
    sidecars = {path.stem for path in (written / "metadata").glob("*.json")}
    # then there are padded and unpadded ids, and each file has its partner except for the two that miss one on purpose
    assert {"00001", "1", "00147", "3"} <= images
    assert len(images | sidecars) == 150
    assert images - sidecars == {"00058"}
    assert sidecars - images == {"00112"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_bins() -> None:
    # given two runs over the same seed, one longer than the other
    short, long = list(bins(4, seed=3)), list(bins(6, seed=3))
    # then what both have is equal byte for byte, and another seed shares nothing with it
    assert short == long[:4]
    assert {files.image for files in bins(4, seed=4)}.isdisjoint({files.image for files in short})


def test_padded_and_unpadded_namesakes_are_different_bins() -> None:
    padded, unpadded = bin_files(0, "padded", 1), bin_files(0, "unpadded", 1)
    assert (padded.id, unpadded.id) == ("00001", "1")
    assert set(parsed(padded)["BIN_FCSKU_DATA"]).isdisjoint(parsed(unpadded)["BIN_FCSKU_DATA"])


def test_twins_share_a_sku_at_distance_one_only() -> None:
    # given 1,500 consecutive bins
    numbers = range(2, 1500)
    # when neighbours with a common SKU are counted
    shared = [number for number in numbers if skus(number) & skus(number - 1)]
    # then they are about as many as in the real data set, only where a run continues, and no run is longer than three
    assert 0.34 < len(shared) / len(numbers) < 0.44
    assert all(continues(0, "padded", number) for number in shared)
    assert not any(skus(number) & skus(number - LONGEST_RUN) for number in range(LONGEST_RUN + 1, 1500))


def test_counts_are_mixed_like_the_real_ones() -> None:
    counts = np.bincount([len(bin_at(0, "padded", number).items) for number in range(1, 1500)], minlength=9)
    shares = counts / counts.sum()
    assert set(np.flatnonzero(counts)) == set(range(9))
    assert 0.55 < shares[1:6].sum() < 0.75
    assert shares[1:6].max() / shares[1:6].sum() < 0.35


@pytest.mark.parametrize("number", [1, 6, 40])
def test_metadata_has_the_real_shape(number: int) -> None:
    # given a bin, when its metadata is made
    fields = metadata(bin_at(0, "padded", number))
    # then the quantities add up and every product carries the real data set's keys
    products = fields["BIN_FCSKU_DATA"]
    assert sum(entry["quantity"] for entry in products.values()) == fields["EXPECTED_QUANTITY"]
    for asin, entry in products.items():
        keys = {"asin", "height", "length", "name", "normalizedName", "quantity", "weight", "width"}
        assert set(entry) == keys
        assert entry["asin"] == asin
        assert set(entry["height"]) == {"unit", "value"}


def test_oddities_are_there(written: Path) -> None:
    def text(name: str) -> str:
        return (written / "metadata" / f"{name}.json").read_text()

    products = json.loads(text("00009"))["BIN_FCSKU_DATA"].values()
    assert all(entry["weight"] is None for entry in products)
    assert "image_fname" in json.loads(text("00017"))
    with pytest.raises(json.JSONDecodeError):
        json.loads(text("00139"))
    with pytest.raises(OSError, match="truncated"):
        Image.open(written / "bin-images" / "00031.jpg").load()
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(written / "bin-images" / "00085.jpg")


def test_every_other_image_is_a_jpeg_of_the_original_size_range(written: Path) -> None:
    for path in (written / "bin-images").glob("*.jpg"):
        if path.stem in {"00031", "00085"}:
            continue
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert 315 <= image.width <= 785
            assert 240 <= image.height <= 1069


def test_an_added_item_shows_in_the_picture() -> None:
    # given a bin and its twin after one item was added
    number = next(
        number
        for number in range(2, 200)
        if continues(0, "padded", number)
        and len(bin_at(0, "padded", number).items) == len(bin_at(0, "padded", number - 1).items) + 1 == 2
    )
    before, after = (decoded(bin_files(0, "padded", each)) for each in (number - 1, number))
    # then both have the same frame, and part of the picture differs by more than noise and focus
    assert before.shape == after.shape
    assert np.abs(before - after).mean(axis=2).max() > 60
