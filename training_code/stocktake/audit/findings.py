"""What an audit finds out about bins, a CSV row each, and what is written of all of them in the end."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch

from stocktake.audit.score import error_rate, probability_wrong, ranks

LEARNED = ("train", "valid")
"""Splits of a dataset that its model was made from."""


class Finding(NamedTuple):
    """What is known of one bin.

    `outcome`: `scored`; `below`, `above` or `between` the model's labels, of a recorded count that it does not know and
    so cannot score; `no-record`; `no-photo`, for the `reason`. `split`: train or valid, where the model was made
    from the bin. `doubt`: see `score.doubt`.
    """

    id: str
    outcome: str
    split: str = ""
    recorded: int | None = None
    counted: int | None = None
    doubt: float | None = None
    reason: str = ""
    probabilities: Sequence[float] = ()


FACTS = Finding._fields[:-1]
"""Columns before those of the probabilities."""


def outcome(recorded: int | None, labels: Sequence[int]) -> str:
    """Where a recorded count stands to the model's labels; see `Finding`."""
    if recorded is None:
        return "no-record"
    if recorded in labels:
        return "scored"
    return "below" if recorded < min(labels) else "above" if recorded > max(labels) else "between"


def written(findings: Iterable[Finding], labels: Sequence[int]) -> bytes:
    """CSV, the same bytes for the same findings; numbers as exact as they are."""
    header = [*FACTS, *(f"probability_{label}" for label in labels)]
    unknown = [""] * len(labels)
    rows = ([*of[:-1], *([f"{share:.9g}" for share in of.probabilities] or unknown)] for of in findings)
    return _csv([header, *rows])


class Ranking:
    """All findings, the records that are most probably wrong first; those without a score come last.

    How many are wrong is estimated from the bins that the model has not learned from: it doubts the others less.
    """

    def __init__(self, parts: Iterable[bytes], learned_known: bool = True) -> None:
        rows: list[list[str]] = []
        self.header: list[str] = []
        for part in parts:
            self.header, *of_part = csv.reader(io.StringIO(part.decode(), newline=""))
            rows += of_part
        self._column = {name: place for place, name in enumerate(self.header)}
        id_, told, doubt = (self._column[name] for name in ("id", "outcome", "doubt"))
        self.scored = [row for row in rows if row[doubt]]
        self.scored.sort(key=lambda row: (-float(row[doubt]), row[id_]))
        self.others = [row for row in rows if not row[doubt]]
        self.others.sort(key=lambda row: (row[told], row[id_]))
        doubts = torch.tensor([float(row[doubt]) for row in self.scored], dtype=torch.float64)
        unseen = torch.tensor([row[self._column["split"]] not in LEARNED for row in self.scored], dtype=torch.bool)
        labels = len(self.header) - len(FACTS)
        self.judged = int(unseen.sum())
        self.rate = error_rate(doubts[unseen], labels)
        self.wrong: list[float] = probability_wrong(doubts, self.rate.estimate, labels).tolist()
        self.ranks = ranks(doubts.tolist())
        self.learned_known = learned_known

    def table(self) -> bytes:
        """CSV with `rank` before the columns of the parts, of which `doubt` becomes `wrong`; equal doubts share one."""
        doubt = self._column["doubt"]
        header = ["wrong" if name == "doubt" else name for name in self.header]
        ranked = (
            [rank, *row[:doubt], f"{wrong:.6g}", *row[doubt + 1 :]]
            for rank, row, wrong in zip(self.ranks, self.scored, self.wrong, strict=True)
        )
        return _csv([["rank", *header], *ranked, *(["", *row] for row in self.others)])

    def top(self, number: int) -> list[dict[str, Any]]:
        """The first of the scored bins: their columns by name, and `rank` and `wrong`."""
        return [
            dict(zip(self.header, row, strict=True)) | {"rank": rank, "wrong": wrong}
            for rank, row, wrong in list(zip(self.ranks, self.scored, self.wrong, strict=True))[:number]
        ]

    def summary(self) -> dict[str, Any]:
        """What there is of all bins.

        Returns
        -------
        dict
            `bins`; `outcomes`, how many there are of each; `errorRate`, the share of records that are wrong: its
            `estimate`, `interval` (95%), the `bins` that it is estimated from, and whether it is known which of them
            the model was made from; and of the scored ones, by recorded count, `bins`, how many are
            `countedOtherwise`, and how many are `expectedWrong`.
        """
        recorded, counted = self._column["recorded"], self._column["counted"]
        by_recorded: dict[str, dict[str, float]] = {}
        for row, wrong in sorted(zip(self.scored, self.wrong, strict=True), key=lambda pair: int(pair[0][recorded])):
            of = by_recorded.setdefault(row[recorded], {"bins": 0, "countedOtherwise": 0, "expectedWrong": 0.0})
            of["bins"] += 1
            of["countedOtherwise"] += row[counted] != row[recorded]
            of["expectedWrong"] += wrong
        told = Counter(row[self._column["outcome"]] for row in self.scored + self.others)
        return {
            "bins": len(self.scored) + len(self.others),
            "outcomes": dict(sorted(told.items())),
            "errorRate": {
                "estimate": self.rate.estimate,
                "interval": [self.rate.low, self.rate.high],
                "bins": self.judged,
                "learnedKnown": self.learned_known,
            },
            "byRecorded": by_recorded,
        }


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()
