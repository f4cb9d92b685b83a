"""Write a finished dataset as plain folders, `train/1/00001.jpg`, for tools that read nothing else.

python -m dataset.export_folders s3://<data bucket>/datasets/<id> <folder>
"""

import argparse
import json
import tarfile
from pathlib import Path

import storage


def export(uri: str, folder: Path) -> int:
    """Write every image of the dataset at `uri` to `<folder>/<split>/<count>/<bin>.jpg`; returns how many.

    Raises:
        LookupError: there is no finished dataset.
    """
    bucket, _, prefix = uri.rstrip("/").removeprefix("s3://").partition("/")
    card = storage.find_json(bucket, f"{prefix}/card.json")
    if card is None:
        raise LookupError(f"{uri} has no card.json: it is not a finished dataset")
    written = 0
    for shard in card["shards"]:
        body = storage.client().get_object(Bucket=bucket, Key=shard["key"])["Body"]
        split = folder / shard["key"].split("/")[-2]
        with tarfile.open(fileobj=body, mode="r|") as tar:
            # A sample's photo comes first and its facts next.
            photo = b""
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None  # Shards hold files only.
                if member.name.endswith(".jpg"):
                    photo = content.read()
                    continue
                facts = json.load(content)
                target = split / str(facts["count"]) / f"{facts['id']}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(photo)
                written += 1
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a dataset as plain folders.")
    parser.add_argument("uri", help="such as s3://<data bucket>/datasets/<id>")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    print(f"{export(asked.uri, asked.folder):,} images written to {asked.folder}")
