"""Which test images a champion can be judged by: those that neither its training nor its validation has seen."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FEWEST = 10
"""Images that a comparison takes at least: of fewer, one alone would move an accuracy by more than a tenth."""


class NotComparable(Exception):
    """The champion cannot be compared with; the message completes "because" and needs no full stop."""


@dataclass(frozen=True)
class Seen:
    """What a model was made from: the names of its training and validation bins, and of their groups."""

    bins: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def read(cls, folder: Path | None) -> "Seen":
        """From splits.json, which each dataset has: {split: {group: [bins]}}.

        Raises
        ------
        NotComparable
            When it is not there (datasets of earlier versions have none, and datasets get deleted) or is damaged.
        """
        file = folder and folder / "splits.json"
        if not file or not file.is_file():
            raise NotComparable("its dataset has no list of the bins that it was trained on")
        try:
            splits: dict[str, dict[str, list[str]]] = json.loads(file.read_bytes())
            groups = [group for split in ("train", "valid") for group in splits[split].items()]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NotComparable("its dataset's list of the bins that it was trained on is damaged") from error
        return cls(frozenset(bin_ for _, bins in groups for bin_ in bins), frozenset(name for name, _ in groups))

    def unseen(self, ids: Sequence[str], groups: Sequence[str]) -> list[int]:
        """Positions of the images that are neither in it nor linked to one that is."""
        pairs = zip(ids, groups, strict=True)
        return [i for i, (bin_, group) in enumerate(pairs) if bin_ not in self.bins and group not in self.groups]


def check_number(unseen: int, images: int) -> None:
    """Raise NotComparable when too few of the test images remain."""
    if unseen < FEWEST:
        raise NotComparable(
            f"{images - unseen} of {images} test images are of bins that it was trained on or of their groups, which "
            f"leaves {unseen}, and a comparison takes at least {FEWEST}"
        )


def check_labels(champion: Sequence[int], challenger: Sequence[int]) -> None:
    """Raise NotComparable when the two do not tell the same counts apart."""
    if tuple(champion) != tuple(challenger):
        raise NotComparable(
            f"it tells the counts {champion[0]} to {champion[-1]} apart, and this model "
            f"{challenger[0]} to {challenger[-1]}"
        )
