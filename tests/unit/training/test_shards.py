import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from synthetic_shards import LABELS, draw_bin, write_split, write_tar

import stocktake
from rehearsal import torchvision_on_cpu
from stocktake.data.batches import epoch_batches, ordered_batches
from stocktake.data.shards import ShardDataset, load, read_index
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing

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
        assert torch.equal(pixels, PREPROCESSING.pixels(expected))
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
        [("7.jpg", b"a"), ("7.json", b'{"count": 1e999}')],
        [("7.jpg", b"a"), ("7.json", b"[" * 100_000)],
    ],
)
def test_an_image_without_a_readable_label_is_named(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    write_tar(tmp_path / "train-00000.tar", members)
    with pytest.raises(JobFailure, match=r"train-00000\.tar.*\b7\b.*Pack the dataset again"):
        dataset(tmp_path)


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


@pytest.mark.parametrize("threads", [0, 2])
def test_a_failure_while_loading_ahead_ends_the_epoch_with_its_sentence(tmp_path: Path, threads: int) -> None:
    # given a second image that does not decode
    members = [("6.jpg", draw_bin(1, 6)), ("6.json", label(1)), ("7.jpg", b"no image"), ("7.json", label(1))]
    write_tar(tmp_path / "train-00003.tar", members)
    batches = load(dataset(tmp_path), [[(0, False)], [(1, False)], [(0, True)]], threads)
    # when
    pixels, _ = next(batches)
    with pytest.raises(JobFailure) as failure:
        next(batches)
    # then
    assert torch.equal(pixels[0], dataset(tmp_path)[0, False][0])
    assert str(failure.value).startswith("train-00003.tar: 7.jpg: ")
    assert str(failure.value).endswith("Pack the dataset again.")


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_batches_hold_exactly_the_images_that_were_asked_for(splits: Path, threads: int) -> None:
    images = dataset(splits / "train")
    batches = epoch_batches(len(images), 8, seed=3, epoch=1)
    loaded = list(load(images, batches, threads))
    assert len(loaded) == len(batches)
    for keys, (pixels, targets) in zip(batches, loaded, strict=True):
        assert torch.equal(pixels, torch.stack([images[key][0] for key in keys]))
        assert targets.tolist() == [images[key][1] for key in keys]
        assert pixels.dtype == torch.uint8
        assert pixels.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("cores", "apart"), [(1, False), (2, False), (4, True)])
def test_images_are_loaded_beside_the_training_step_where_there_are_cores_for_it(
    splits: Path, monkeypatch: pytest.MonkeyPatch, cores: int, apart: bool
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores))
    threads: set[threading.Thread] = set()
    monkeypatch.setattr(ShardDataset, "batch", lambda *_, **__: threads.add(threading.current_thread()))
    images = dataset(splits / "train")
    assert len(list(load(images, ordered_batches(len(images), 10)))) == 5
    assert (threading.current_thread() not in threads) == apart


def test_few_batches_are_loaded_ahead_and_no_thread_outlives_an_epoch_that_was_given_up(
    splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    read: list[int] = []
    monkeypatch.setattr(ShardDataset, "batch", lambda _, keys, **__: read.append(keys[0][0]))
    images, before = dataset(splits / "train"), threading.active_count()
    # when the loop stops after its second batch, as it does on SIGTERM
    batches = load(images, ordered_batches(len(images), 1), threads=2)
    for _ in range(2):
        next(batches)
    del batches
    # then
    assert threading.active_count() == before
    assert 2 <= len(read) <= 2 + 2 * 2


def test_a_training_job_gets_large_pages_for_its_batches() -> None:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("this kernel has no large pages")
    # given a fresh process with all that the job imports
    code = """
import resource, train, torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.zeros(20_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    paths = [Path(stocktake.__file__).parents[1], torchvision_on_cpu.FOLDER]
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    # when it touches 80 MB
    faults = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    # then the kernel does not hand them out in pieces of 4 kB
    assert int(faults.stdout) < 80_000_000 / 4096 / 10
