"""PoorWeightInitialization."""

import numpy as np

from stocktake.debugging.saved_tensors import PERCENTILES, SavedTensors

STALLED = 0.001
"""A loss that falls by a smaller share of itself does not fall; as AWS's LossNotDecreasing has it."""


def poor_weight_initialization(
    tensors: SavedTensors,
    threshold: float = 10.0,
    distribution_range: float = 0.001,
    patience: int = 5,
    steps: int = 10,
) -> str | None:
    """The loss does not fall from the start, and activations or gradients show why.

    That is: over the first steps the variances of the ReLUs' inputs lie far apart between layers, or some gradient is
    nearly the same everywhere. As AWS describes the rule it also looks at how the loss converges. Here such a symptom
    alone is no issue: healthy networks show it too (the variances within a MobileNetV2 trained on ImageNet differ by a
    factor of 98; gradients shrink with the loss).

    Parameters
    ----------
    threshold
        Of the largest variance of a ReLU's input to the smallest; AWS's default.
    distribution_range
        Least difference between the 5th and the 95th percentile of a gradient; AWS's default.
    patience
        The loss falls when the mean of the last `patience` of the first steps is below that of the first `patience`.
        AWS waits for as many steps.
    steps
        How many saved steps from the start are looked at; AWS's default.
    """
    losses = tensors.losses()
    activations = tensors.by_step(tensors.relu_inputs())
    percentiles = tensors.by_step([PERCENTILES + name for name in tensors.weight_gradients()])
    first_steps = [step for step in activations if step in losses][:steps]
    # A resumed training has its start behind it.
    if len(first_steps) < steps or first_steps[0] != 0:
        return None
    before = np.mean([losses[step] for step in first_steps[:patience]])
    after = np.mean([losses[step] for step in first_steps[-patience:]])
    if after < (1 - STALLED) * before:
        return ""
    for step in first_steps:
        symptom = _spread_of_variances(tensors, step, activations[step], threshold) or _flat_gradient(
            tensors, step, percentiles.get(step, []), distribution_range
        )
        if symptom:
            return (
                f"In training step {step} {symptom}, and the loss does not fall: {before:.4f}, {steps} steps later "
                f"{after:.4f}."
            )
    return ""


def _spread_of_variances(tensors: SavedTensors, step: int, names: list[str], threshold: float) -> str:
    variances = {name: tensors.reduction(name, step, "std") ** 2 for name in names}
    smallest, largest = min(names, key=variances.__getitem__), max(names, key=variances.__getitem__)
    # Written without a division: the outputs of a dead layer do not vary at all.
    if variances[largest] <= threshold * variances[smallest]:
        return ""
    return (
        f"the variance of {largest} ({variances[largest]:.2g}) is more than {threshold:g} times that of {smallest} "
        f"({variances[smallest]:.2g})"
    )


def _flat_gradient(tensors: SavedTensors, step: int, names: list[str], distribution_range: float) -> str:
    for name in names:
        low, high = tensors.value(name, step)
        if high - low < distribution_range:
            return f"the 5th and 95th percentile of {name.removeprefix(PERCENTILES)} are only {high - low:.2g} apart"
    return ""
