"""Which images each batch holds: a function of seed and epoch alone, whatever the images are kept as."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from stocktake.failures import JobFailure

Key: TypeAlias = tuple[int, bool]
"""Position of an image in its dataset, and whether it is wanted mirrored."""


@dataclass(frozen=True)
class Share:
    """What one process has to do of each batch.

    Attributes
    ----------
    images
        How many training images each group of processes holds. One group: all hold the same images, each batch is
        dealt out among them. Several (each instance has shards of its own): every group gives a part of each batch.
    group, member, members
        The group of this process, its place in it, and how many belong to it.
    images_each
        How many images each process has at least.
    """

    images: tuple[int, ...]
    group: int = 0
    member: int = 0
    members: int = 1
    images_each: int = 1

    @classmethod
    def of(cls, holdings: Sequence[tuple[str, int]], rank: int) -> "Share":
        """From what every process holds, by rank: an identity of its images, and their number."""
        groups = list(dict.fromkeys(holdings))
        mine = [other for other, holding in enumerate(holdings) if holding == holdings[rank]]
        images_each = min(images // holdings.count((identity, images)) for identity, images in groups)
        images = tuple(images for _, images in groups)
        return cls(images, groups.index(holdings[rank]), mine.index(rank), len(mine), images_each)

    def check(self, batch_size: int, processes: int) -> None:
        """Refuse an epoch in which a process would have nothing to do of some batch.

        torch's SyncBatchNorm gathers another number format from such a process than from the others under autocast.

        Raises
        ------
        JobFailure
            When a batch, or what one process holds, is too small.
        """
        if batch_size < processes:
            raise JobFailure(
                f"The hyperparameter batch-size is {batch_size}, but {processes} processes share each batch, and each "
                f"needs an image. Use a batch size of at least {processes}, or fewer instances or GPUs."
            )
        steps = self._steps(batch_size) if len(self.images) > 1 else 1
        if processes > 1 and self.images_each < steps:
            raise JobFailure(
                f"A process holds {self.images_each} training images, too few for one in each of {steps} batches. Use "
                "fewer instances or GPUs, a larger batch size or fraction of the dataset, or training.sharded false."
            )

    def epoch(self, batch_size: int, seed: int, epoch: int) -> list[tuple[list[Key], int]]:
        """This process's part of each batch of an epoch, and the size of the whole batch over all processes."""
        if len(self.images) == 1:
            batches = epoch_batches(self.images[0], batch_size, seed, epoch, self.members)
            sizes = [len(batch) for batch in batches]
        else:
            # As many batches everywhere, however unequal the shards: each image once, none to fill up with.
            number = self._steps(batch_size)
            [own] = epoch_batches(self.images[self.group], self.images[self.group], seed, epoch)
            batches = [own[batch::number] for batch in range(number)]
            sizes = [sum(len(range(batch, images, number)) for images in self.images) for batch in range(number)]
        return [(batch[self.member :: self.members], size) for batch, size in zip(batches, sizes, strict=True)]

    def _steps(self, batch_size: int) -> int:
        return -(-sum(self.images) // batch_size)


def epoch_batches(images: int, batch_size: int, seed: int, epoch: int, processes: int = 1) -> list[list[Key]]:
    """The shuffled batches of one training epoch; each image is mirrored with probability one half.

    A function of its arguments alone, so that a resumed epoch goes on where it stopped.
    """
    generator = _generator(seed, epoch)
    order = torch.randperm(images, generator=generator).tolist()
    mirrored = (torch.rand(images, generator=generator) < 0.5).tolist()
    batches = _batches(list(zip(order, mirrored, strict=True)), batch_size)
    # Batch normalisation needs two images, and every process one.
    least = min(max(2, processes), batch_size)
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) < least else batches


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)


def ordered_batches(images: int, batch_size: int) -> list[list[Key]]:
    """Every image once, in the dataset's order, not mirrored."""
    return _batches([(index, False) for index in range(images)], batch_size)


def _batches(keys: list[Key], size: int) -> list[list[Key]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
