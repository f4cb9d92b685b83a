"""Photos are moved and lit anew, a whole batch at once, by random numbers from outside."""

from dataclasses import replace

import pytest
import torch

from stocktake.data.batches import epoch_batches, epoch_draws
from stocktake.training.augmentation import DRAWS, Augmentation

STILL = Augmentation(shift=0, scale=0, aspect=0, rotation=0, contrast=0, brightness=0, channel=0, erased=0)
MIDDLE = 0.5
"""The random number that changes nothing."""


def photos(number: int = 3, side: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, 3, side, side, generator=generator).to(memory_format=torch.channels_last)


def draws(number: int = 3, **columns: float) -> torch.Tensor:
    """Middle values, but for some columns."""
    names = ["scale", "aspect", "angle", "x", "y", "contrast", "brightness", "red", "green", "blue"]
    names += ["erased", "area", "erased_aspect", "erased_x", "erased_y"]
    found = torch.full((number, DRAWS), MIDDLE)
    for name, value in columns.items():
        found[:, names.index(name)] = value
    return found


def test_an_augmentation_of_nothing_changes_nothing() -> None:
    assert torch.allclose(STILL(photos(), torch.rand(3, DRAWS)), photos(), atol=1e-5)


def test_middle_values_change_nothing() -> None:
    assert torch.allclose(replace(Augmentation(), erased=0.0)(photos(), draws()), photos(), atol=1e-5)


@pytest.mark.parametrize(("column", "axis"), [("x", 3), ("y", 2)])
def test_a_shift_moves_by_a_share_of_the_side_and_goes_on_with_the_border(column: str, axis: int) -> None:
    # given the largest shift, of 1/8 of 32 pixels
    moved = replace(STILL, shift=0.125)(photos(), draws(**{column: 1.0}))
    assert torch.allclose(moved.narrow(axis, 0, 28), photos().narrow(axis, 4, 28), atol=1e-5)
    border = photos().narrow(axis, 31, 1)
    assert torch.allclose(moved.narrow(axis, 28, 4), border.expand_as(moved.narrow(axis, 28, 4)), atol=1e-5)


def test_light_is_changed_around_each_photos_own_mean() -> None:
    lit = replace(STILL, contrast=0.3, brightness=0.4, channel=0.1)
    bright = lit(photos(), draws(contrast=1.0, brightness=0.75, red=1.0))
    mean = photos().mean((1, 2, 3), keepdim=True)
    expected = (photos() - mean) * 1.349859 + mean + 0.2 + torch.tensor([0.1, 0, 0]).view(1, 3, 1, 1)
    assert torch.allclose(bright, expected, atol=1e-4)


@pytest.mark.parametrize(("area", "share"), [(0.0, 0.02), (1.0, 0.12)])
def test_a_chosen_photo_loses_a_rectangle_within_the_limits_of_its_area(area: float, share: float) -> None:
    erasing = replace(STILL, erased=0.3)
    white = torch.ones(2, 3, 200, 200)
    columns = draws(2, area=area, erased_aspect=0.9, erased_x=1.0, erased_y=1.0)
    columns[:, 10] = torch.tensor([0.29, 0.31])
    erased = erasing(white, columns)
    assert (erased[0] == 0).double().mean() == pytest.approx(share, rel=0.06)
    assert erased[0, :, -1, -1].eq(0).all()
    assert torch.allclose(erased[1], white[1], atol=1e-5)


def test_a_photos_change_depends_on_its_own_numbers_alone() -> None:
    numbers = torch.rand(3, DRAWS, generator=torch.Generator().manual_seed(2))
    together = Augmentation()(photos(), numbers)
    apart = torch.cat([Augmentation()(photos()[i : i + 1], numbers[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, apart, atol=1e-5)


def test_random_numbers_of_an_epoch_are_a_function_of_seed_and_epoch_apart_from_the_order() -> None:
    one, again, next_epoch = (epoch_draws(50, 3, epoch, DRAWS) for epoch in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, next_epoch)
    # and whether an image is mirrored says nothing of its changes
    mirrored = {index: flip for [(index, flip)] in epoch_batches(50, 1, 3, 1)}
    flips = torch.tensor([float(mirrored[index]) for index in range(50)])
    correlations = torch.corrcoef(torch.cat([flips[None], one.T]))[0, 1:]
    assert correlations.abs().max() < 0.5
