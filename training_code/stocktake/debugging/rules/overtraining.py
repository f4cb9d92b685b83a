"""Overtraining."""

import math

from stocktake.debugging.rules import History


def overtraining(
    history: History, patience_train: int = 5, patience_validation: int = 10, delta: float = 0.01
) -> str | None:
    """Training goes on although the training loss or the validation loss no longer improves.

    Parameters
    ----------
    patience_train, patience_validation
        Epochs to wait for a new optimum of that loss; AWS's defaults.
    delta
        By how much a loss must fall to be a new optimum; AWS's default.
    """
    if len(history) < 2:
        return None
    patience = {"train": patience_train, "validation": patience_validation}
    best, waited = dict.fromkeys(patience, math.inf), dict.fromkeys(patience, 0)
    for row in history:
        for split in patience:
            loss = row[f"{split}:loss"]
            if loss < best[split] - delta:
                best[split], waited[split] = loss, 0
            else:
                waited[split] += 1
            if waited[split] >= patience[split]:
                return (
                    f"Up to epoch {row['epoch']:g} the {split.replace('train', 'training')} loss has not improved by "
                    f"{delta:g} for {waited[split]} epochs; the best is {best[split]:.4f}."
                )
    return ""
