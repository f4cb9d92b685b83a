"""VanishingGradient."""

from stocktake.debugging.saved_tensors import SavedTensors


def vanishing_gradient(tensors: SavedTensors, threshold: float = 0.0000001) -> str | None:
    """The mean of a weight's gradient's absolute values falls below `threshold`, AWS's default, in a saved step."""
    saved = tensors.by_step(tensors.weight_gradients())
    for step, names in saved.items():
        for name in names:
            mean = tensors.reduction(name, step, "mean", absolute=True)
            if mean < threshold:
                return f"In training step {step} the mean absolute value of {name} is {mean:.2g}, below {threshold:g}."
    return "" if saved else None
