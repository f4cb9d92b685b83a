"""The temperature of a trained network, fitted on the validation images."""

import math

from torch import Tensor

COLDEST, HOTTEST = 0.01, 100.0
STEPS = 60
"""Of the bisection: the limits lie 9 natural units apart, and a float64 resolves 2**-52 of one."""


def fit_temperature(log_probabilities: Tensor, positions: Tensor) -> float:
    """The temperature at which the labels' negative log likelihood is least.

    It is convex in 1 / temperature, so its slope has one zero, which is bisected. As in J. Platt's scaling (1999) each
    of N labels is believed to N / (N + 1), and the rest goes to all labels alike: otherwise a few images that are all
    counted right would make every answer certain. From a hundred images on that hardly moves the result.

    Parameters
    ----------
    log_probabilities
        Of the served distribution at temperature 1, float64 (N, L), see `model.calibration`.
    positions
        Of the true labels (N,).
    """
    doubt = 1 / (len(positions) + 1)
    of_label = log_probabilities.gather(1, positions[:, None]).squeeze(1)
    told = (1 - doubt) * of_label + doubt * log_probabilities.mean(1)
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        answered = ((middle * log_probabilities).softmax(1) * log_probabilities).sum(1)
        if float((answered - told).mean()) < 0:
            low = middle
        else:
            high = middle
    return 1 / math.sqrt(low * high)
