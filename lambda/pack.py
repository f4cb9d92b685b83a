"""Pack: fetch and verify the images of one shard, reduce those for training, and write it.

What measures a model, validation and test, keeps the bytes that the camera wrote: the endpoint gets such, too.
"""

import base64
import hashlib
import itertools
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from typing import IO, Any, TypeVar

import storage
from bins import names, photos
from bins.source import CONCURRENCY, Source, TooLarge
from dataset.assignment import TRAINING, Bin
from dataset.planned import PlannedDataset
from dataset.rejects import NO_IMAGE, Rejects
from dataset.shards import add_sample, open_shard
from errors import SourceUnavailable

IMAGE_LIMIT = 20_000_000
"""Bytes; real images have 57,000 in the mean."""

DECODERS = 2
"""Photos that are decoded at once: the function has two cores, and the worst photo takes 260 MB. The threads beyond
wait for the source, each with at most IMAGE_LIMIT in hand."""

SAMPLES = 3
"""Pictures of each class that a shard offers to the dataset card."""

T = TypeVar("T")
R = TypeVar("R")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Pack `event["shard"]` of `event["dataset"]`; the result counts the shard's images."""
    started = time.monotonic()
    dataset = PlannedDataset.model_validate(event["dataset"])
    shard = event["shard"]["shard"]
    bins = [Bin(*held) for held in storage.read_json(dataset.bucket, dataset.key("work", "shards", f"{shard}.json"))]
    source = dataset.source.open()
    with tempfile.TemporaryFile() as file:
        split = shard.rpartition("-")[0]
        prepare = photos.for_training if split in TRAINING else photos.as_taken
        try:
            parameters = dataset.parameters
            packed = pack(source, bins, partial(prepare, side=parameters.image_size), parameters.labels, file)
        except SourceUnavailable as error:
            raise SourceUnavailable(f"shard {shard}: {error}") from error
        file.seek(0)
        storage.write(dataset.bucket, dataset.key(split, f"{shard}.tar"), file, "application/x-tar")
    # Last: Seal takes a shard for written when this is there.
    storage.write_json(
        dataset.bucket,
        dataset.key("work", "packed", f"{shard}.json"),
        {"shard": shard, "split": split, **packed, "took": source.took(started)},
    )
    return {"shard": shard, "images": sum(packed["counts"].values())}


def pack(
    source: Source, bins: list[Bin], prepare: Callable[[bytes], photos.Photo], labels: list[int], file: IO[bytes]
) -> dict[str, Any]:
    """Write a shard's tar to `file`, of what `prepare` makes of each photo, and tell what is in it.

    Returns:
        counts: images by class; rejected: as in `Rejects.to_json`; sizes: source images by "<width>x<height>";
        samples: {label: [{"id", "jpeg": base64 of a small picture}]}; bytes and sha256 of the tar.
    """
    counts: Counter[int] = Counter()
    sizes: Counter[str] = Counter()
    samples: dict[int, list[dict[str, str]]] = {}
    rejects = Rejects()
    decoders = BoundedSemaphore(DECODERS)

    def fetch(bin_: Bin) -> tuple[Bin, photos.Photo | str]:
        try:
            content = source.read_image(names.position(bin_.id), IMAGE_LIMIT)
            if content is None:
                return bin_, NO_IMAGE
            with decoders:
                return bin_, prepare(content)
        except TooLarge:
            return bin_, "image too large"
        except photos.BadImage as error:
            return bin_, str(error)

    with open_shard(file) as shard:
        for bin_, photo in _in_order(fetch, bins):
            if isinstance(photo, str):
                rejects.add(photo, bin_.id)
                continue
            add_sample(shard, bin_.id, photo.content, facts(bin_, photo))
            counts[bin_.quantity] += 1
            sizes["{}x{}".format(*photo.source_size)] += 1
            shown = samples.setdefault(bin_.quantity, []) if bin_.quantity in labels else None
            if shown is not None and len(shown) < SAMPLES:
                shown.append({"id": bin_.id, "jpeg": base64.b64encode(photos.thumbnail(photo.content)).decode()})
    size = file.tell()
    file.seek(0)
    return {
        "counts": counts,
        "rejected": rejects.to_json(),
        "sizes": sizes,
        "samples": samples,
        "bytes": size,
        "sha256": hashlib.file_digest(file, "sha256").hexdigest(),  # type: ignore[arg-type]
    }


def facts(bin_: Bin, photo: photos.Photo) -> dict[str, Any]:
    """What a shard says of a photo. The names are training's, which reads them."""
    width, height = photo.size
    return {"id": bin_.id, "count": bin_.quantity, "group": bin_.group, "width": width, "height": height}


def _in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results in the order of `items`, computed concurrently and only a little ahead of their use."""
    remaining = iter(items)
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        # No more than there are threads: each result may hold IMAGE_LIMIT, too.
        ahead: deque[Future[R]] = deque(
            pool.submit(function, item) for item in itertools.islice(remaining, CONCURRENCY)
        )
        while ahead:
            yield ahead.popleft().result()
            for item in itertools.islice(remaining, 1):
                ahead.append(pool.submit(function, item))
