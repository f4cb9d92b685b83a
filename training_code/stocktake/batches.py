"""Which images each batch holds: a function of seed and epoch alone, whatever the images are kept as."""

from typing import TypeAlias

import torch

Key: TypeAlias = tuple[int, bool]
"""Position of an image in its dataset, and whether it is wanted mirrored."""


def epoch_batches(images: int, batch_size: int, seed: int, epoch: int) -> list[list[Key]]:
    """The shuffled batches of one training epoch; each image is mirrored with probability one half.

    A function of its arguments alone, so that a resumed epoch goes on where it stopped.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    order = torch.randperm(images, generator=generator).tolist()
    mirrored = (torch.rand(images, generator=generator) < 0.5).tolist()
    batches = _batches(list(zip(order, mirrored, strict=True)), batch_size)
    # Batch normalisation needs two images.
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 < batch_size else batches


def ordered_batches(images: int, batch_size: int) -> list[list[Key]]:
    """Every image once, in the dataset's order, not mirrored."""
    return _batches([(index, False) for index in range(images)], batch_size)


def _batches(keys: list[Key], size: int) -> list[list[Key]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
