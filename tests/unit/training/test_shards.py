import gc
import itertools
import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_shards import LABELS, draw_bin, write_split, write_tar

from stocktake.batches import epoch_batches, ordered_batches
from stocktake.failures import JobFailure
from stocktake.preprocessing import Preprocessing, decode
from stocktake.shards import ShardDataset, load, read_index

PREPROCESSING = Preprocessing(32)


def dataset(folder: Path | None) -> ShardDataset:
    return ShardDataset("train", folder, LABELS, PREPROCESSING)


def label(count: object) -> bytes:
    return json.dumps({"id": "x", "count": count, "group": "g"}).encode()


def test_every_image_of_every_shard_is_there_with_its_label(splits: Path) -> None:
    images = dataset(splits / "train")
    assert len(images) == 45
    assert images.images_by_count() == {1: 15, 2: 15, 3: 15}
    by_id = {sample.id: index for index, sample in enumerate(images.samples)}
    for i in (0, 1, 43, 44):
        index = by_id[f"train{i:04}"]
        expected = draw_bin(LABELS[i % 3], 10_000 + i)
        pixels, target = images[index, False]
        assert images.image_bytes(index) == expected
        assert torch.equal(pixels, PREPROCESSING.pixels(decode(expected)))
        assert target == i % 3


def test_a_mirrored_image_is_flipped_left_to_right(splits: Path) -> None:
    images = dataset(splits / "train")
    assert torch.equal(images[3, True][0], images[3, False][0].flip(2))


def test_padded_and_unpadded_ids_are_different_bins(tmp_path: Path) -> None:
    members = [("1.jpg", b"a"), ("1.json", label(1)), ("00001.jpg", b"b"), ("00001.json", label(2))]
    write_tar(tmp_path / "train-00000.tar", members)
    found = {(sample.id, sample.count) for sample in dataset(tmp_path).samples}
    assert found == {("1", 1), ("00001", 2)}


@given(st.integers(1, 300), st.integers(1, 64), st.integers(0, 2**40), st.integers(1, 50))
def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(
    images: int, batch_size: int, seed: int, epoch: int
) -> None:
    batches = epoch_batches(images, batch_size, seed, epoch)
    shown = Counter(index for batch in batches for index, _ in batch)
    assert batches == epoch_batches(images, batch_size, seed, epoch)
    assert max(shown.values()) == 1
    # at most a lone last image is left out, which batch normalisation could not take
    assert len(shown) >= images - 1
    assert all(1 < len(batch) <= batch_size for batch in batches) or 1 in (images, batch_size)
    if images >= 50:
        orders = [epoch_batches(images, images, *other) for other in ((seed, epoch + 1), (seed + 1, epoch))]
        assert epoch_batches(images, images, seed, epoch) not in orders


def test_half_of_the_images_are_mirrored() -> None:
    keys = itertools.chain.from_iterable(epoch_batches(10_000, 128, seed=0, epoch=1))
    assert 4800 < sum(mirrored for _, mirrored in keys) < 5200


def test_loading_gives_batches_in_the_order_that_was_asked(splits: Path) -> None:
    images = dataset(splits / "train")
    targets = torch.cat([targets for _, targets in load(images, ordered_batches(len(images), 10))])
    assert targets.tolist() == [LABELS.index(sample.count) for sample in images.samples]


@pytest.mark.parametrize("folder", [None, Path("/absent")])
def test_a_missing_channel_is_named(folder: Path | None) -> None:
    with pytest.raises(JobFailure, match="channel 'train' is missing"):
        dataset(folder)


def test_a_channel_without_shards_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobFailure, match=r"'train' holds no \.tar"):
        dataset(tmp_path)


def test_a_shard_without_images_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-00000.tar", [])
    with pytest.raises(JobFailure, match="hold no image"):
        dataset(tmp_path)


def test_a_count_beyond_the_labels_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-00000.tar", [("7.jpg", b"a"), ("7.json", label(9))])
    with pytest.raises(JobFailure, match=r"train-00000\.tar: 7\.json says count 9.*labels are 1, 2, 3"):
        dataset(tmp_path)


@pytest.mark.parametrize(
    "members",
    [
        [("7.jpg", b"a")],
        [("7.json", label(1))],
        [("7.jpg", b"a"), ("7.json", b"{")],
        [("7.jpg", b"a"), ("7.json", b"{}")],
        [("7.jpg", b"a"), ("7.json", b"[1]")],
        [("7.jpg", b"a"), ("7.json", label(None))],
    ],
)
def test_an_image_without_a_readable_label_is_named(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    write_tar(tmp_path / "train-00000.tar", members)
    with pytest.raises(JobFailure, match=r"train-00000\.tar.*\b7\b.*Pack the dataset again"):
        dataset(tmp_path)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_a_cut_off_shard_never_loses_images_silently(share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shard = write_split(Path(folder), "train", 6) / "train-00000.tar"
        whole, content = read_index(shard), shard.read_bytes()
        shard.write_bytes(content[: int(share * len(content))])
        try:
            found = read_index(shard)
        except JobFailure:
            return
        assert found == whole


def test_a_damaged_header_in_the_middle_is_named(tmp_path: Path) -> None:
    shard = write_split(tmp_path, "train", 6) / "train-00000.tar"
    content = bytearray(shard.read_bytes())
    header = content.index(b"train0003.jpg")
    content[header : header + 20] = bytes(range(20))
    shard.write_bytes(content)
    with pytest.raises(JobFailure, match=r"train-00000\.tar is damaged at train0002\.json"):
        read_index(shard)


def test_an_image_that_does_not_decode_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-00003.tar", [("7.jpg", b"no image"), ("7.json", label(1))])
    with pytest.raises(JobFailure, match=r"train-00003\.tar: 7\.jpg: .*Pack the dataset again"):
        dataset(tmp_path)[0, False]


# torch closes the queues of loading processes under the threads that fill them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_in_a_loading_process_keeps_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(4))
    write_tar(tmp_path / "train-00003.tar", [("7.jpg", b"no image"), ("7.json", label(1))])
    batches = iter(load(dataset(tmp_path), [[(0, False)]]))
    with pytest.raises(JobFailure) as failure:
        next(batches)
    sentence = failure.value.sentence
    # The traceback would keep the loading processes until the interpreter ends.
    del failure, batches
    gc.collect()
    assert sentence.startswith("train-00003.tar: 7.jpg: ")
    assert sentence.endswith("Pack the dataset again.")
