"""What is to be audited, in batches, and which of them are an instance's own."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from stocktake.failures import JobFailure

Batches = dict[int, list[str]]
"""Names of bins by the number of their batch."""

_FILE = re.compile(r"(\d+)\.json", re.ASCII)
_BIN = re.compile(r"\w+", re.ASCII)


def read_batches(folder: Path) -> Batches:
    """From files `<number>.json`, each an array of names.

    Raises
    ------
    JobFailure
        When there is none, one is damaged, or a bin is named twice: each is to be counted once.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    numbers = {int(found[1]): file for file in files if (found := _FILE.fullmatch(file.name))}
    if not numbers:
        raise JobFailure(f"There is no batch of bins in {folder}. Give the job the batches that were planned.")
    batches = {number: _read(numbers[number]) for number in sorted(numbers)}
    if twice := [name for name, times in Counter(name for of in batches.values() for name in of).items() if times > 1]:
        raise JobFailure(f"{len(twice)} bins are in the batches more than once, such as {twice[0]}. Plan them again.")
    return batches


def _read(file: Path) -> list[str]:
    try:
        names: list[str] = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise JobFailure(f"{file.name} is damaged: {error}. Plan the batches again.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) and _BIN.fullmatch(name) for name in names):
        raise JobFailure(f"{file.name} is no list of names of bins. Plan the batches again.")
    return names


@dataclass(frozen=True)
class Share:
    """One instance of those that share a job."""

    instance: int = 0
    instances: int = 1

    @classmethod
    def read(cls, file: Path) -> "Share":
        """From SageMaker's resourceconfig.json; alone where there is none."""
        if not file.is_file():
            return cls()
        told = json.loads(file.read_bytes())
        hosts = sorted(told["hosts"])
        return cls(hosts.index(told["current_host"]), len(hosts))

    def of(self, batches: Batches) -> Batches:
        """Its own, by their numbers, so that they are the same ones when the job goes on."""
        return {number: names for number, names in batches.items() if number % self.instances == self.instance}


@dataclass(frozen=True)
class Learned:
    """The split of each bin that the model was made from; `known`: whether it was made from no others of these."""

    splits: dict[str, str]
    known: bool


UNKNOWN = Learned({}, known=False)


def read_splits(folder: Path | None) -> dict[str, str]:
    """Train or valid, of each bin that a model was made from, by splits.json, {split: {group: [bins]}}.

    Raises
    ------
    JobFailure
        When it is damaged.
    """
    if folder is None:
        return {}
    try:
        splits = json.loads((folder / "splits.json").read_bytes())
        return {name: split for split, groups in splits.items() for bins in groups.values() for name in bins}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise JobFailure(f"The list of the bins that the model was made from cannot be read: {error}.") from error
