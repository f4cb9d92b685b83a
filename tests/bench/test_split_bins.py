"""Shards that benches write of real bins say what Pack's would."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bench.split_bins import read_bins, write_shard


def bin_facts(folder: Path, labels: tuple[int, ...] | None) -> dict[str, dict[str, Any]]:
    """The facts of each bin in a shard that is written of `folder`'s."""
    write_shard(folder / "shard.tar", read_bins(folder, labels))
    with tarfile.open(folder / "shard.tar") as shard:
        files = {member.name: shard.extractfile(member).read() for member in shard}  # type: ignore[union-attr]
    return {name[:-5]: json.loads(content) for name, content in files.items() if name.endswith(".json")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty bin, one with a label, one with more than the labels, and two that cannot be read."""
    (tmp_path / "metadata").mkdir()
    (tmp_path / "bin-images").mkdir()
    known = {"quantity": 3}
    for name, items, count in (
        ("00001", {}, 0),
        ("00002", {"a": known}, 3),
        ("00003", {"a": known, "b": {"quantity": 9}}, 12),
        ("00004", {"c": known}, None),
        ("00005", {"d": known}, 3),
    ):
        content = json.dumps({"BIN_FCSKU_DATA": items, "EXPECTED_QUANTITY": count})
        (tmp_path / "metadata" / f"{name}.json").write_text(content)
        if name != "00005":
            (tmp_path / "bin-images" / f"{name}.jpg").write_bytes(b"photo")
    return tmp_path


def test_a_shard_says_what_the_metadata_knows(source: Path) -> None:
    assert bin_facts(source, (1, 2, 3, 4, 5)) == {"00002": {"id": "00002", "count": 3, "group": "00002"}}


def test_bins_of_any_count_are_read_and_stay_in_the_groups_of_counted_ones(source: Path) -> None:
    found = bin_facts(source, None)
    assert {name: (its["count"], its["group"]) for name, its in found.items()} == {
        "00001": (0, "00001"),
        "00002": (3, "00002"),
        "00003": (12, "00002"),
    }
