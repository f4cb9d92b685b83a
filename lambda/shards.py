"""Shards: tar files in WebDataset's naming, equal byte for byte whenever their content is equal."""

import io
import json
import tarfile
from typing import IO, Any


def open_shard(file: IO[bytes]) -> tarfile.TarFile:
    """An empty shard that is written to `file`; closing it leaves the file open."""
    return tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)


def add_sample(shard: tarfile.TarFile, name: str, photo: bytes, facts: dict[str, Any]) -> None:
    """Append a sample: its photo as `<name>.jpg` and its facts as `<name>.json`."""
    for suffix, content in (("jpg", photo), ("json", json.dumps(facts, separators=(",", ":")).encode())):
        # A fresh TarInfo has no owner, no time and a fixed mode: nothing of the machine gets in.
        info = tarfile.TarInfo(f"{name}.{suffix}")
        info.size = len(content)
        shard.addfile(info, io.BytesIO(content))
