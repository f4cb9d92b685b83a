"""AWS's built-in rules that a training of ours is judged by, a function each.

AWS runs them in containers of its own and publishes what they find and their parameters, not their code
(docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html). Parameters here have AWS's names and defaults.
Each returns a sentence that says where an issue is and how large, an empty one without issue, and None when there is
too little to judge by.

AWS compares losses of single batches and counts its patience in them. Here rules over losses look at epochs, and
patience counts those: losses of single batches go up and down by more than the thresholds.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

History: TypeAlias = Sequence[Mapping[str, float]]
"""Each finished epoch's `epoch`, `train:loss` and `validation:loss`, means over all images in all processes."""
