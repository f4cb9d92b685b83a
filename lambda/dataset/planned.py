"""What Plan settles about a dataset, handed to every data step in its event."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from bins.source import Source
from run import contract


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True)


class PlannedSource(_Part):
    """Where the bins come from. `anonymous`: whether requests are unsigned."""

    uri: str
    anonymous: bool

    def open(self) -> Source:
        """A reader of the source."""
        return Source(self.uri, self.anonymous)


class Listing(_Part):
    """What the source was found to hold: bins in all, bins in the sample and bytes of their images; what that took."""

    bins: int
    sampled: int
    image_bytes: int
    took: dict[str, float]


class PlannedDataset(_Part):
    """A dataset before it is made: its identity, its place, and all that determines its content.

    `batches` and `shards` are keys of JSON arrays, the items of the two maps. `card` is the finished dataset's
    description for the execution's output; None until the dataset is `ready`.
    """

    id: str
    uri: str
    bucket: str
    prefix: str
    ready: bool
    batches: str
    shards: str
    source: PlannedSource
    parameters: contract.Dataset
    seed: int
    listing: Listing
    card: dict[str, Any] | None

    def key(self, *names: str) -> str:
        """The key of an object of this dataset, such as key("train", "train-00000.tar")."""
        return "/".join((self.prefix, *names))

    def to_json(self) -> dict[str, Any]:
        """The dataset as it goes through the state machine."""
        return self.model_dump(mode="json", by_alias=True)
