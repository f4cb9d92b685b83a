"""The part of the contract that says which bins a dataset takes, and how they are split."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from run.part import BUCKET, Part

FRACTION = 0.02
"""Of the source, where neither a fraction nor files are given: about 10,000 bins of the real one."""

LABELS = 100
"""Counts that can be told apart: they are one hyperparameter, and Step Functions reads their confusion matrix."""

Share = Annotated[float, Field(gt=0, lt=1, description="a number between 0 and 1, both excluded")]
Count = Annotated[int, Field(ge=0, le=1000, description="an integer from 0 to 1000")]


SOURCE = rf"^s3://{BUCKET}(/[^/]+)*/?$"
FILE = rf"^s3://{BUCKET}/.*[^/]$"
"""URIs of a source of bins and of a file in S3, as regular expressions."""


class Split(Part):
    """Shares of the three splits, and the unit that goes to one of them as a whole."""

    train: Share = 0.9
    valid: Share = 0.05
    test: Share = 0.05
    by: Literal["group", "image"] = Field(
        default="group",
        description='"group" (linked bins stay together) or "image" (leaks; only to compare with others)',
    )

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"three shares train, valid and test that sum to 1; these sum to {total:.10g}")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Asked share of each split, in the order train, valid, test."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


class Dataset(Part):
    """Which bins are taken from where, and what is made of them."""

    source: str = Field(
        default="s3://aft-vbi-pds",
        pattern=SOURCE,
        description="an S3 URI such as s3://aft-vbi-pds that holds bin-images/ and metadata/",
    )
    fraction: float | None = Field(
        default=None, gt=0, le=1, description="a number greater than 0 and at most 1, or null with files"
    )
    files: str | None = Field(
        default=None,
        pattern=FILE,
        description="null or the S3 URI of a JSON file that lists bins, such as s3://my-bucket/lists/file_list.json",
    )
    leave_out: str | None = Field(
        default=None,
        pattern=FILE,
        description="null or the S3 URI of a JSON file that lists bins, such as s3://my-bucket/lists/leave_out.json",
    )
    min_count: Count = 1
    max_count: Count = 5
    uncounted: bool = Field(default=False, description="true or false (photos with other counts, for training only)")
    image_size: int = Field(default=224, ge=32, le=1024, description="an integer from 32 to 1024 (pixels)")
    maximum_rejects: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="a number from 0 to below 1: the fraction of bins that may be unusable",
    )
    wrong_labels: Literal["keep", "reject"] = Field(
        default="keep",
        description='"keep" or "reject": what becomes of bins whose count is not the sum of their items\' quantities',
    )
    split: Split = Split()

    @model_validator(mode="before")
    @classmethod
    def _takes_a_fraction_unless_files(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("fraction") is None and given.get("files") is None:
            return given | {"fraction": FRACTION}
        return given

    @model_validator(mode="after")
    def _takes_one_of_both(self) -> Self:
        if self.fraction is not None and self.files is not None:
            raise ValueError("an object with fraction or files, not both: a list takes all that it names")
        return self

    @model_validator(mode="after")
    def _has_classes(self) -> Self:
        if self.min_count >= self.max_count:
            raise ValueError(
                "an object whose minCount is less than its maxCount (one class leaves nothing to learn); "
                f"they are {self.min_count} and {self.max_count}"
            )
        if len(self.labels) > LABELS:
            raise ValueError(
                f"an object with at most {LABELS} counts from its minCount to its maxCount; "
                f"{self.min_count} to {self.max_count} are {len(self.labels)}"
            )
        return self

    @property
    def source_bucket(self) -> str:
        """The bucket of `source`."""
        return self.source.removeprefix("s3://").partition("/")[0]

    @property
    def more_bins(self) -> str:
        """What there is to change for a larger dataset, to end a sentence of what must be."""
        if self.files:
            return "dataset.files must name more bins"
        return f"dataset.fraction ({self.fraction:g}) must take more bins"

    @property
    def labels(self) -> list[int]:
        """The counts that are told apart, ascending."""
        return list(range(self.min_count, self.max_count + 1))
