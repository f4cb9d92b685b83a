"""The bins of the list `dataset.leaveOut`: they do not train, and measure like any others.

Bins that are hard to label are hard to count, too: a test split without them would flatter every model.
"""

from collections.abc import Mapping

import storage
from dataset.assignment import TRAINING, Bin
from dataset.planned import PlannedDataset


def read(dataset: PlannedDataset) -> frozenset[str]:
    """Their names, as Plan read them; none without a list."""
    if not dataset.parameters.leave_out:
        return frozenset()
    return frozenset(storage.read_json(dataset.bucket, dataset.key("work", "leave_out.json")))


def trained(splits: Mapping[str, list[Bin]], listed: frozenset[str]) -> list[str]:
    """The names of the listed bins that would train."""
    return [bin_.id for name in TRAINING for bin_ in splits.get(name, ()) if bin_.id in listed]


def without(splits: Mapping[str, list[Bin]], listed: frozenset[str]) -> dict[str, list[Bin]]:
    """The splits, those that train without the listed bins."""
    return {
        name: [bin_ for bin_ in bins if bin_.id not in listed] if name in TRAINING else bins
        for name, bins in splits.items()
    }


def told(splits: Mapping[str, list[Bin]], listed: frozenset[str]) -> dict[str, int]:
    """How many are `listed`, `leftOut` of training, `kept` in a split that measures, and usable bins of none."""
    left_out = len(trained(splits, listed))
    kept = sum(bin_.id in listed for name, bins in splits.items() if name not in TRAINING for bin_ in bins)
    return {"listed": len(listed), "leftOut": left_out, "kept": kept, "absent": len(listed) - left_out - kept}
