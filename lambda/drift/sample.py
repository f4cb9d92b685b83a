"""A bounded sample of what was captured, over all the time since the last look."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

import photo_file
import storage
from drift.captures import Counted, counted
from photo_statistics import SIDE, photo_statistics

PHOTOS = 500
"""At most, of a look: a distance of 0.15 is told from chance with these, and they take a minute."""
_OLDEST = timedelta(days=30)
_CHUNK = 2**20

Row = dict[str, float]


class Sample:
    """The newest captures of an endpoint.

    Parameters
    ----------
    prefix
        Of the capture files' keys, which go on with the date: their order is that of time.
    after
        The last key of the last look.
    """

    def __init__(self, bucket: str, prefix: str, after: str, now: datetime) -> None:
        self._bucket = bucket
        start = max(after, f"{prefix}{now - _OLDEST:%Y/%m/%d}")
        pages = (
            storage.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=start)
        )
        self.keys = [item["Key"] for page in pages for item in page.get("Contents", ())]

    def newest_model(self) -> str | None:
        """The model that answers now; None if nobody has asked."""
        for key in reversed(self.keys):
            answers = [photo.model for line in self._lines(key) for photo in counted(line)]
            if answers:
                return answers[-1]
        return None

    def rows(self, model: str, goes_on: Callable[[], bool]) -> list[Row]:
        """A row a photo that this model has counted, as the evaluation's reference has them.

        Files are taken evenly over time, in an order by lot, the first requests of each: what is found until `goes_on`
        says no is a fair sample, too.
        """
        files = min(PHOTOS, len(self.keys))
        chosen = [self.keys[index * len(self.keys) // files] for index in range(files)]
        random.Random(0).shuffle(chosen)
        rows: list[Row] = []
        for index, key in enumerate(chosen):
            share = -(-(PHOTOS - len(rows)) // (files - index))
            for photo in self._of_model(key, model):
                if share <= 0 or not goes_on():
                    break
                row = _row(photo)
                if row:
                    rows.append(row)
                    share -= 1
        return rows

    def _of_model(self, key: str, model: str) -> Iterator[Counted]:
        return (photo for line in self._lines(key) for photo in counted(line) if photo.model == model)

    def _lines(self, key: str) -> Iterator[bytes]:
        body = storage.client().get_object(Bucket=self._bucket, Key=key)["Body"]
        with closing(body):
            yield from body.iter_lines(_CHUNK)


def _row(photo: Counted) -> Row | None:
    try:
        seen = photo_statistics(photo_file.read(photo.content, SIDE))
    except photo_file.ImageRefused:
        return None
    return seen | {"count": photo.count, "confidence": photo.confidence, "expected": photo.expected}
