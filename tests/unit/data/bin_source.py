"""Fills a source bucket with bins, and runs the data functions in the order of the state machine."""

import io
import json
import tarfile
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from PIL import Image

import catalogue
import pack
import plan
import seal
import split
import storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE_BUCKET = "bins"
DATA_BUCKET = "stocktake-data"
INPUT = {"dataset": {"source": f"s3://{SOURCE_BUCKET}", "fraction": 1, "imageSize": 32}}


@cache
def jpeg(width: int = 40, height: int = 32, mode: str = "RGB", quality: int = 75) -> bytes:
    """A small JPEG with something to see in it."""
    gradient = Image.linear_gradient("L").resize((width, height))
    file = io.BytesIO()
    gradient.convert(mode).save(file, "JPEG", quality=quality)
    return file.getvalue()


def marked(image: bytes, name: str) -> bytes:
    """The same picture in a file of its own: with a comment, as no two bins of a source have the same bytes."""
    return image[:2] + b"\xff\xfe" + (2 + len(name)).to_bytes(2) + name.encode() + image[2:]


def metadata(skus: Iterable[str], count: object, items: int | None = None) -> bytes:
    """A metadata file in the dataset's own form. `items`: the sum of its items' quantities, if it is not the count."""
    names = list(skus)
    each, rest = divmod(count if items is None and isinstance(count, int) else items or 0, max(1, len(names)))
    items_ = {
        sku: {"asin": sku, "name": f"item {sku}", "quantity": each + (place < rest), "height": None}
        for place, sku in enumerate(names)
    }
    return json.dumps({"BIN_FCSKU_DATA": items_, "EXPECTED_QUANTITY": count}).encode()


class BinSource:
    """The source bucket, and what is made of it in the data bucket."""

    def __init__(self, s3: "S3Client") -> None:
        self.s3 = s3

    def put(self, key: str, body: bytes) -> None:
        """Put any object into the source, past the emulator's API: many times faster."""
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(SOURCE_BUCKET, key, body)

    def add(self, name: str, count: object = 1, skus: Iterable[str] = (), image: bytes | None = None) -> None:
        """Put a bin into the source."""
        self.put(f"metadata/{name}.json", metadata(skus, count))
        self.put(f"bin-images/{name}.jpg", marked(jpeg(), name) if image is None else image)

    def add_many(self, number: int, first: int = 1) -> None:
        """Bins with 1 to 5 items each; every third shares an item with the one before it."""
        for place in range(first, first + number):
            self.add(f"{place:05d}", 1 + place % 5, [f"sku{place - (place % 3 == 0)}", f"other{place}"])

    def plan(self, seed: int = 0, **dataset: Any) -> dict[str, Any]:
        """The dataset that Plan makes of `INPUT` with these dataset fields."""
        given = {"dataset": {**INPUT["dataset"], **dataset}, "seed": seed}
        run = plan.handler({"input": given, "execution": "test"}, None)
        through_the_state_machine: dict[str, Any] = json.loads(json.dumps(run["dataset"]))
        return through_the_state_machine

    def catalogue(self, dataset: dict[str, Any]) -> None:
        """Run the first map."""
        for batch in storage.read_json(DATA_BUCKET, dataset["batches"]):
            catalogue.handler({"dataset": dataset, "batch": batch}, None)

    def split(self, dataset: dict[str, Any]) -> dict[str, Any]:
        return split.handler({"dataset": dataset}, None)

    def pack(self, dataset: dict[str, Any]) -> None:
        """Run the second map."""
        for shard in storage.read_json(DATA_BUCKET, dataset["shards"]):
            pack.handler({"dataset": dataset, "shard": shard}, None)

    def make(self, **dataset: Any) -> dict[str, Any]:
        """Run all data steps; the result is Seal's, the dataset's part of the execution's output."""
        planned = self.plan(**dataset)
        self.catalogue(planned)
        self.split(planned)
        self.pack(planned)
        return seal.handler({"dataset": planned}, None)

    def records(self, dataset: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The catalogue's record of each bin."""
        return {
            record["id"]: record
            for batch in storage.read_json(DATA_BUCKET, dataset["batches"])
            for record in storage.read_json(DATA_BUCKET, f"{dataset['prefix']}/work/catalogue/{batch['batch']}.json")[
                "records"
            ]
        }

    def card(self, dataset_id: str) -> dict[str, Any]:
        return dict(storage.read_json(DATA_BUCKET, f"datasets/{dataset_id}/card.json"))

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All objects of the data bucket below a prefix."""
        listed = self.s3.list_objects_v2(Bucket=DATA_BUCKET, Prefix=prefix).get("Contents", [])
        return {item["Key"]: self.s3.get_object(Bucket=DATA_BUCKET, Key=item["Key"])["Body"].read() for item in listed}

    def samples(self, dataset_id: str) -> dict[str, dict[str, tuple[bytes, dict[str, Any]]]]:
        """What the shards hold: {split: {bin: (photo, facts)}}. Fails when a bin is there twice."""
        found: dict[str, dict[str, tuple[bytes, dict[str, Any]]]] = {"train": {}, "valid": {}, "test": {}}
        for key, content in self.objects(f"datasets/{dataset_id}/").items():
            if not key.endswith(".tar"):
                continue
            of_split = found.setdefault(key.split("/")[2], {})
            with tarfile.open(fileobj=io.BytesIO(content)) as shard:
                files = {member.name: shard.extractfile(member).read() for member in shard}  # type: ignore[union-attr]
            for name in {name.partition(".")[0] for name in files}:
                assert name not in of_split
                of_split[name] = files[f"{name}.jpg"], json.loads(files[f"{name}.json"])
        return found
