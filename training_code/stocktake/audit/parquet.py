"""An audit's table as Parquet, for Athena and data frames: columns have types there."""

import io
from collections.abc import Sequence

import pyarrow
from pyarrow import csv, parquet

_TYPES = {
    **dict.fromkeys(("id", "outcome", "split", "reason"), pyarrow.string()),
    **dict.fromkeys(("rank", "recorded", "counted"), pyarrow.int32()),
}
"""Of columns whose values may look like others, such as a bin's name 00001, or be none at all."""


def parquet_of(table: bytes) -> bytes:
    """The same rows and columns as those of a CSV with a header; what is empty there is null."""
    with io.BytesIO(table) as file:
        header = file.readline().decode().strip().split(",")
        file.seek(0)
        rows = csv.read_csv(
            file,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=_types(header),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    written = io.BytesIO()
    parquet.write_table(rows, written)
    return written.getvalue()


def _types(header: Sequence[str]) -> dict[str, pyarrow.DataType]:
    """`wrong` and the probabilities are numbers, even where none is given."""
    return {name: _TYPES.get(name, pyarrow.float64()) for name in header}
