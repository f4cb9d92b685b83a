from pathlib import Path

import pytest
from bin_source import DATA_BUCKET, BinSource

from dataset import export_folders


def test_every_image_lies_in_the_folder_of_its_split_and_count(bin_source: BinSource, tmp_path: Path) -> None:
    bin_source.add_many(60)
    made = bin_source.make(split={"train": 0.5, "valid": 0.25, "test": 0.25})
    assert export_folders.export(made["uri"], tmp_path) == 60
    expected = {
        f"{split}/{facts['count']}/{name}.jpg": photo
        for split, of_split in bin_source.samples(made["id"]).items()
        for name, (photo, facts) in of_split.items()
    }
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    assert found == expected


def test_an_unfinished_dataset_is_refused(bin_source: BinSource, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="not a finished dataset"):
        export_folders.export(f"s3://{DATA_BUCKET}/datasets/none", tmp_path)
