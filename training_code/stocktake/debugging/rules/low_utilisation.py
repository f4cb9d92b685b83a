"""Whether the processor that trains has enough to do."""

from collections.abc import Sequence

import numpy as np


def low_utilisation(
    utilisation: Sequence[float],
    seconds: Sequence[float],
    threshold_p95: float = 70,
    threshold_p5: float = 10,
    window: int = 500,
    patience: int = 60,
) -> str | None:
    """AWS's LowGPUUtilization, for any processor.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html and the package
    smdebug-rulesconfig 1.0.1.

    Parameters
    ----------
    utilisation
        In percent.
    seconds
        When each was measured.
    threshold_p95
        A 95th percentile below is under-utilisation; AWS's default.
    threshold_p5
        A 5th percentile below, while the 95th is high, is fluctuation; AWS's default.
    window
        Measurements that percentiles are taken of; AWS's default.
    patience
        Fewer measurements are not judged. AWS's default of 1000 waits for the end of a container's preparations; here
        measuring begins with the training.

    Returns
    -------
    str or None
        A sentence that says when and how much in the first window with an issue, empty when there is none; None when
        nothing could be judged.
    """
    starts = [start for start in range(0, len(utilisation), window) if len(utilisation) - start >= patience]
    for start in starts:
        part = slice(start, start + window)
        low, high = np.percentile(utilisation[part], [5, 95])
        between = f"From second {seconds[part][0]:.0f} to {seconds[part][-1]:.0f}"
        if high < threshold_p95:
            return f"{between} the 95th percentile of utilisation is {high:.0f}%, below {threshold_p95:g}%."
        if low < threshold_p5:
            return f"{between} utilisation fluctuates: its 5th percentile is {low:.0f}%, its 95th {high:.0f}%."
    return "" if starts else None
