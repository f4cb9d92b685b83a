"""Training bins whose label is probably wrong, by what heads say of them that have not learned from them.

As in confident learning (C. Northcutt et al., JAIR 2021): the training images are cross-validated, and those are first
whose label has the lowest out-of-sample probability.
"""

import csv
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stocktake.audit.score import doubt, ranks
from stocktake.data.features import FeatureDataset
from stocktake.failures import JobFailure
from stocktake.model.calibration import calibrated
from stocktake.training.job import Job, create_training
from stocktake.training.temperature import fit_temperature

FILE = "label_noise.csv"
TOP = 200
"""Bins that the model's description names; the file has all."""


@dataclass(frozen=True)
class Suspect:
    """A training bin, and what is said of its label.

    Attributes
    ----------
    doubt
        1 less the calibrated probability of the label, as an audit doubts a record.
    likeliest
        The most probable count.
    """

    rank: int
    id: str
    label: int
    doubt: float
    likeliest: int


@dataclass(frozen=True)
class LabelNoise:
    """All training bins, those whose label is most probably wrong first."""

    folds: int
    temperature: float
    suspects: list[Suspect]

    def write(self, folder: Path) -> None:
        """The whole list, as CSV."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("w", newline="") as file:
            table = csv.DictWriter(file, [*Suspect.__dataclass_fields__], lineterminator="\n")
            table.writeheader()
            table.writerows(_row(suspect) for suspect in self.suspects)

    def summary(self) -> dict[str, Any]:
        """The top of the list, and for each count how many bins have another likeliest one."""
        counts = []
        for count in sorted({suspect.label for suspect in self.suspects}):
            its = [suspect for suspect in self.suspects if suspect.label == count]
            others = sum(suspect.likeliest != count for suspect in its)
            counts.append({"count": count, "images": len(its), "likelierOther": others})
        top = [_row(suspect) for suspect in self.suspects[:TOP]]
        return {"folds": self.folds, "temperature": self.temperature, "counts": counts, "top": top}


def _row(suspect: Suspect) -> dict[str, Any]:
    return asdict(suspect) | {"doubt": round(suspect.doubt, 6)}


def assign_folds(job: Job, folds: int) -> list[list[int]]:
    """The places of each fold's training images: whole groups by chance, as a twin would give the label away.

    Raises
    ------
    JobFailure
        When there is no head alone to train, or too few groups.
    """
    train = job.splits["train"]
    if not isinstance(train, FeatureDataset):
        raise JobFailure(
            "The hyperparameter label-noise-folds asks for as many more trainings, which is done for a head that "
            "learns from features only. Give features and trainable head, or no folds."
        )
    groups = sorted(set(train.groups))
    if len(groups) < folds:
        raise JobFailure(
            f"The hyperparameter label-noise-folds is {folds}, but the training images are of {len(groups)} groups of "
            "linked bins, which are not divided. Use fewer folds or a larger fraction of the dataset."
        )
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(job.training.hyperparameters.seed))
    fold_of = {groups[place]: number % folds for number, place in enumerate(order.tolist())}
    places: list[list[int]] = [[] for _ in range(folds)]
    for place, group in enumerate(train.groups):
        places[fold_of[group]].append(place)
    return places


def find_label_noise(job: Job, folds: Sequence[list[int]], interrupted: Callable[[], bool]) -> LabelNoise:
    """Train a head without each fold, which then answers it. To be called in one process, when the training is over.

    The heads are new ones: what the training started from may have learned from these bins.
    """

    def stop_if_interrupted() -> bool:
        if interrupted():
            raise JobFailure(
                "Stopped by SIGTERM while looking for wrong labels; a job with the same checkpoint location and "
                "hyperparameters looks for them again."
            )
        return False

    train, training = job.splits["train"], job.training
    assert isinstance(train, FeatureDataset)
    log_p = torch.zeros(len(train), len(train.labels), dtype=torch.float64)
    positions = torch.zeros(len(train), dtype=torch.long)
    for number, fold in enumerate(folds, 1):
        own = set(fold)
        rest = train.part([place for place in range(len(train)) if place not in own])
        splits = {"train": rest, "valid": job.splits["valid"]}
        head, _ = create_training(training.hyperparameters, training.recipe, splits, None, training.device)
        # Its lines would be taken for the job's own metrics.
        with redirect_stdout(io.StringIO()):
            head.fit(None, stop_if_interrupted)
        log_p[fold], positions[fold] = head.answer(train.part(fold))
        print(f"label noise: fold {number} of {len(folds)} images={len(fold)}", flush=True)
    return score(log_p, positions, train.ids, train.labels, len(folds))


def score(log_p: Tensor, positions: Tensor, ids: Sequence[str], labels: Sequence[int], folds: int) -> LabelNoise:
    """Rank images by how much their label is doubted.

    Parameters
    ----------
    log_p, positions
        Out-of-sample log probabilities, float64 (N, L), and the places of the images' labels (N,).
    """
    temperature = fit_temperature(log_p, positions)
    probabilities = calibrated(log_p, temperature).double()
    doubts = doubt(probabilities, positions)
    found = zip(
        ranks(doubts.tolist()),
        ids,
        (labels[place] for place in positions.tolist()),
        doubts.tolist(),
        (labels[place] for place in probabilities.argmax(1).tolist()),
        strict=True,
    )
    suspects = sorted((Suspect(*its) for its in found), key=lambda suspect: (suspect.rank, suspect.id))
    return LabelNoise(folds, temperature, suspects)
