"""What an audit finds out about bins, a CSV row each, and what is written of all of them in the end."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from stocktake.audit.score import ranks

MOST = 1_000_000
"""Items of a bin are fewer."""


class Finding(NamedTuple):
    """What is known of one bin.

    `outcome`: `scored`; `below`, `above` or `between` the model's labels, of a recorded count that it does not know and
    so cannot score; `no-record`; `no-photo`, for the `reason`. `wrong`: the probability that the record is.
    """

    id: str
    outcome: str
    recorded: int | None = None
    counted: int | None = None
    wrong: float | None = None
    reason: str = ""
    probabilities: Sequence[float] = ()


FACTS = Finding._fields[:-1]
"""Columns before those of the probabilities."""


def recorded_count(metadata: bytes) -> int | None:
    """The record's EXPECTED_QUANTITY; None of a file that is none of a bin's."""
    try:
        parsed = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("BIN_FCSKU_DATA"), dict):
        return None
    count = parsed.get("EXPECTED_QUANTITY")
    # bool is an int to Python, not to the dataset.
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < MOST else None


def outcome(recorded: int | None, labels: Sequence[int]) -> str:
    """How a recorded count lies to the model's labels; see `Finding`."""
    if recorded is None:
        return "no-record"
    if recorded in labels:
        return "scored"
    return "below" if recorded < min(labels) else "above" if recorded > max(labels) else "between"


def written(findings: Iterable[Finding], labels: Sequence[int]) -> bytes:
    """CSV, the same bytes for the same findings; numbers as exact as they are."""
    header = [*FACTS, *(f"probability_{label}" for label in labels)]
    rows = ([*finding[:-1], *(f"{share:.9g}" for share in finding.probabilities)] for finding in findings)
    return _csv([header, *rows])


class Ranking:
    """All findings, the records that are most probably wrong first; those without a score come last."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        rows: list[list[str]] = []
        self.header: list[str] = []
        for part in parts:
            self.header, *of_part = csv.reader(io.StringIO(part.decode(), newline=""))
            rows += of_part
        columns = self.header.index
        self._id, self._outcome, self._wrong = columns("id"), columns("outcome"), columns("wrong")
        self._recorded, self._counted = columns("recorded"), columns("counted")
        self.scored = [row for row in rows if row[self._wrong]]
        self.scored.sort(key=lambda row: (-float(row[self._wrong]), row[self._id]))
        self.others = [row for row in rows if not row[self._wrong]]
        self.others.sort(key=lambda row: (row[self._outcome], row[self._id]))

    def table(self) -> bytes:
        """CSV with `rank` before the columns of the parts; equal scores share one."""
        places = ranks([float(row[self._wrong]) for row in self.scored])
        ranked = ([place, *row] for place, row in zip(places, self.scored, strict=True))
        return _csv([["rank", *self.header], *ranked, *(["", *row] for row in self.others)])

    def summary(self) -> dict[str, Any]:
        """`bins`; how many there are of each outcome; and of the scored ones, by recorded count, `bins`, how many are
        `countedOtherwise`, and how many records the model expects to be wrong."""
        by_recorded: dict[str, dict[str, float]] = {}
        for row in sorted(self.scored, key=lambda row: int(row[self._recorded])):
            of = by_recorded.setdefault(row[self._recorded], {"bins": 0, "countedOtherwise": 0, "expectedWrong": 0.0})
            of["bins"] += 1
            of["countedOtherwise"] += row[self._counted] != row[self._recorded]
            of["expectedWrong"] += float(row[self._wrong])
        return {
            "bins": len(self.scored) + len(self.others),
            "outcomes": dict(sorted(Counter(row[self._outcome] for row in self.scored + self.others).items())),
            "byRecorded": by_recorded,
        }


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()
