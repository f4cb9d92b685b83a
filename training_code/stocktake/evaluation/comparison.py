"""Two models' answers to the same test images, paired: how far they differ, and how far chance alone would take them.

Linked bins are much the same photo twice, so an interval takes whole groups for its units (cluster bootstrap;
C. A. Field and A. H. Welsh, JRSS B 69, 2007).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

MEASURES = ("accuracy", "withinOne", "mae", "rmse")
"""As `counting_metrics` has them: shares of the images, and items."""

RESAMPLES = 2000
AT_ONCE = 1_000_000
"""Draws that are held in memory together: the whole dataset's test split has 20,000 groups."""


def compare(
    challenger: Sequence[dict[str, Any]], champion: Sequence[dict[str, Any]], groups: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Compare the answers to the same images in the same order.

    Parameters
    ----------
    challenger, champion
        Rows with `count`, `predicted` and `expected`, as predictions.jsonl has them.
    groups
        The group of linked bins that each image belongs to.

    Returns
    -------
    dict
        `images` and `groups`, how many; each model's `MEASURES`; `difference`, challenger less champion, of each an
        `estimate` and its 95% `interval`; `mcnemar`, the images that only one of them counts exactly, and the `pValue`.
    """
    ours, theirs = _measured(challenger), _measured(champion)
    places = {group: place for place, group in enumerate(sorted(set(groups)))}
    members = torch.tensor([places[group] for group in groups])
    images = torch.bincount(members).double()
    sums = [
        torch.zeros(len(places), len(MEASURES), dtype=torch.float64).index_add_(0, members, m) for m in (ours, theirs)
    ]
    figures = [_figures(of_model.sum(0), images.sum()) for of_model in sums]
    low, high = _cluster_bootstrap(sums[0], sums[1], images, seed)
    estimate = figures[0] - figures[1]
    only_challenger = int((ours[:, 0] > theirs[:, 0]).sum())
    only_champion = int((ours[:, 0] < theirs[:, 0]).sum())
    return {
        "images": len(groups),
        "groups": len(places),
        **{name: _named(of_model) for name, of_model in zip(("challenger", "champion"), figures, strict=True)},
        "difference": {
            measure: {"estimate": float(estimate[i]), "interval": [float(low[i]), float(high[i])]}
            for i, measure in enumerate(MEASURES)
        },
        "mcnemar": {
            "onlyChallenger": only_challenger,
            "onlyChampion": only_champion,
            "pValue": mcnemar_exact(only_challenger, only_champion),
        },
    }


def mcnemar_exact(only_one: int, only_other: int) -> float:
    """Two-sided p-value of McNemar's exact test (Psychometrika 12, 1947): a fair coin decides who is right alone.

    It takes images for independent of each other, which linked bins are not.
    """
    discordant = only_one + only_other
    term = tail = 1
    for k in range(min(only_one, only_other)):
        term = term * (discordant - k) // (k + 1)
        tail += term
    chance: float = 2 * tail / 2**discordant
    return min(1.0, chance)


def _measured(rows: Sequence[dict[str, Any]]) -> Tensor:
    """(N, 4): right, within one, absolute and squared error of the expected count."""
    counts = torch.tensor([row["count"] for row in rows], dtype=torch.float64)
    off = (torch.tensor([row["predicted"] for row in rows], dtype=torch.float64) - counts).abs()
    error = (torch.tensor([row["expected"] for row in rows], dtype=torch.float64) - counts).abs()
    return torch.stack([(off == 0).double(), (off <= 1).double(), error, error.square()], 1)


def _figures(sums: Tensor, images: Tensor) -> Tensor:
    """The measures (..., 4) from sums (..., 4) over so many images (...)."""
    means = sums / images[..., None]
    return torch.cat([means[..., :3], means[..., 3:].sqrt()], -1)


def _cluster_bootstrap(challenger: Tensor, champion: Tensor, images: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """95% percentile interval of the measures' differences: (4,) and (4,).

    Parameters
    ----------
    challenger, champion
        Sums of each group's images (G, 4).
    images
        Images of each group (G,).
    """
    generator = torch.Generator().manual_seed(seed)
    groups, differences = len(images), []
    for resamples in torch.arange(RESAMPLES).split(max(1, AT_ONCE // groups)):
        drawn = torch.randint(groups, (len(resamples), groups), generator=generator)
        # How often each group was drawn.
        times = torch.zeros(drawn.shape, dtype=torch.float64)
        times.scatter_add_(1, drawn, torch.ones_like(times))
        number = times @ images
        differences.append(_figures(times @ challenger, number) - _figures(times @ champion, number))
    low, high = torch.quantile(torch.cat(differences), torch.tensor([0.025, 0.975], dtype=torch.float64), dim=0)
    return low, high


def _named(figures: Tensor) -> dict[str, float]:
    return dict(zip(MEASURES, figures.tolist(), strict=True))
