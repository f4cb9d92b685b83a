"""Whether every count can be learned: a model never answers one that training did not show."""

from collections.abc import Mapping

from errors import EmptyClass
from run import contract


def check(in_train: Mapping[int, int], parameters: contract.Dataset, rejected: str = "") -> None:
    """Raise EmptyClass unless the training split has an image of every class.

    One that only valid or test lacks is no fault: of few images a small share can be none. The card warns.

    Args:
        in_train: images of the training split by class.
        rejected: bins that cannot be used, for the sentence.
    """
    missing = [str(label) for label in parameters.labels if not in_train.get(label)]
    if not missing:
        return
    told = " or ".join(", ".join(missing).rsplit(", ", 1))
    because = f": {rejected}" if rejected else ""
    raise EmptyClass(
        f"dataset.minCount and dataset.maxCount: {parameters.min_count} and {parameters.max_count} were given; "
        f"the train split has no image with {told} items, which no model could then answer{because}; "
        f"must be a range of counts that the source holds, or {parameters.more_bins}, or another seed may help"
    )
