"""The learning rate as a function of how far a training is, so that a resumed one needs nothing else."""

import math

from stocktake.training.recipe import Recipe


def rate(done: int, steps: int, recipe: Recipe) -> float:
    """The share of the peak rate at the step after `done` of `steps`: in (0, 1].

    `cosine` rises in equal steps over the recipe's warm-up and falls along half a cosine to almost 0 at the last step.
    """
    if recipe.schedule == "constant":
        return 1.0
    warm_up = max(1, round(recipe.warm_up * steps))
    if done < warm_up:
        return (done + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done + 1 - warm_up) / (steps + 1 - warm_up)))
