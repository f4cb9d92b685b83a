"""How sure an answer is: one number, the temperature, turns a network's certainty into the share that is right.

Temperature scaling: C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def log_probabilities(views: Sequence[Tensor]) -> Tensor:
    """Log of the mean probability over a photo's views: logits, (N, L) of each view -> float64 (N, L)."""
    return torch.stack([logits.double().log_softmax(1) for logits in views]).logsumexp(0) - math.log(len(views))


def calibrated(log_probabilities: Tensor, temperature: float) -> Tensor:
    """Probabilities at a temperature: float64 (N, L) -> float32 (N, L).

    The order within a row stays, and with it the most probable count. For that the temperature comes after the mean
    over the views: the mean of tempered views may have another largest label.
    """
    return (log_probabilities / temperature).softmax(1).float()
