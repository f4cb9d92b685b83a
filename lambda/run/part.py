"""What every JSON object of the execution's input is."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Names of buckets, as a regular expression."""


class Part(BaseModel):
    """A JSON object of the input: strict types, no unknown fields, no NaN.

    A field's description completes the sentence "must be ...", which is what a caller reads when it is wrong.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
    )
