"""Overfit."""

from stocktake.debugging.rules import History


def overfit(history: History, patience: int = 1, ratio_threshold: float = 0.1) -> str | None:
    """The validation loss exceeds the training loss by more than a share of it.

    Parameters
    ----------
    patience
        Epochs in succession for which the threshold is exceeded before the model counts as overfit; AWS's default.
    ratio_threshold
        Of the difference between validation and training loss to the latter; AWS's default.
    """
    exceeded = 0
    for row in history:
        train, validation = row["train:loss"], row["validation:loss"]
        # Written without a division: a training loss can reach zero.
        exceeded = exceeded + 1 if validation - train > ratio_threshold * train else 0
        if exceeded >= patience:
            return (
                f"In epoch {row['epoch']:g} the validation loss is {validation:.4f}, more than "
                f"{100 * ratio_threshold:g}% above the training loss of {train:.4f}."
            )
    return "" if history else None
