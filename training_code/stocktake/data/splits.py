"""The images of a channel, as photos in shards or as features; training does not care which."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from stocktake.data.batches import Key
from stocktake.data.decoded import spare_memory
from stocktake.data.features import FeatureDataset, feature_files
from stocktake.data.shards import ShardDataset, load
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing


class Split(Protocol):
    """Labelled images in a fixed order."""

    trunk_is_applied: bool
    """Whether images are kept as what a frozen trunk made of them."""

    @property
    def ids(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def images_by_count(self) -> dict[int, int]: ...

    def load(self, batches: list[list[Key]]) -> Iterable[tuple[Tensor, Tensor]]:
        """Load batches in order: what `network_input` takes (N, ...), and targets (N, ...).

        These are positions of the labels or, of photos with any count, counts.
        """
        ...

    def network_input(self, batch: Tensor) -> Tensor:
        """A loaded batch, on the network's device, as the network takes it."""
        ...


class PhotoSplit:
    """Photos with their labels' positions as targets, or with their counts."""

    trunk_is_applied = False

    def __init__(self, dataset: ShardDataset, counts: bool = False):
        self.dataset = dataset
        self.targets = dataset.counts if counts else dataset.positions

    @property
    def ids(self) -> list[str]:
        return [sample.id for sample in self.dataset.samples]

    def __len__(self) -> int:
        return len(self.dataset)

    def images_by_count(self) -> dict[int, int]:
        return self.dataset.images_by_count()

    def load(self, batches: list[list[Key]]) -> Iterator[tuple[Tensor, Tensor]]:
        loaded = iter(load(self.dataset, [keys for keys in batches if keys]))
        side = self.dataset.preprocessing.image_size
        for keys in batches:
            pixels = next(loaded)[0] if keys else torch.empty(0, 3, side, side, dtype=torch.uint8)
            yield pixels, self.targets[[index for index, _ in keys]]

    def network_input(self, batch: Tensor) -> Tensor:
        return self.dataset.preprocessing.normalise(batch)


def open_split(
    split: str,
    folder: Path | None,
    *,
    labels: Sequence[int],
    preprocessing: Preprocessing,
    architecture: str,
    trainable: str,
    counts: bool = False,
    uncounted: Path | None = None,
) -> Split:
    """The channel `split` in `folder`: features of `architecture` if it holds any, photos otherwise.

    Parameters
    ----------
    counts
        Whether targets are the photos' counts and not positions of labels.
    uncounted
        A folder with more photos, of any count.

    Raises
    ------
    JobFailure
        When it is missing, holds nothing, is damaged, or does not fit what is to be trained.
    """
    if folder is None or not feature_files(folder):
        memory = spare_memory() if trainable != "head" else 0
        return PhotoSplit(
            ShardDataset(split, folder, labels, preprocessing, uncounted=uncounted, memory=memory), counts
        )
    if trainable != "head":
        raise JobFailure(
            f"The channel {split!r} holds features, from which only a head can be trained, but the hyperparameter "
            f"trainable is {trainable}. Give the job the dataset's shards."
        )
    return FeatureDataset(split, folder, labels, architecture)


def fingerprint(split: Split) -> str:
    """A short name for exactly these images in this order."""
    return sha256("\n".join(split.ids).encode()).hexdigest()[:12]
