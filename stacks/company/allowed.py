"""What the settings of a company's account may be."""

import re

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

POLICY = r"^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/|[A-Za-z0-9_+=,.@-])[A-Za-z0-9_+=,.@/-]{0,511}$"
PATH = r"^/([A-Za-z0-9_+=,.@-]+/)+$"
KEY = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs takes."""

_MOST_TAGS = 40  # SageMaker takes 50 on a job, and this application and people add some.
_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


class Vpc(BaseModel):
    """Subnets and security groups, at most as many as both Lambda and SageMaker take."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    subnet_ids: list[str] = Field(min_length=1, max_length=16)
    security_group_ids: list[str] = Field(min_length=1, max_length=5)


def vpc_requirement(vpc: Vpc) -> str | None:
    """Completes "must be ..." for ids that are none; None for good ones."""
    for ids, kind in ((vpc.subnet_ids, "subnet"), (vpc.security_group_ids, "sg")):
        if not all(re.fullmatch(f"{kind}-[0-9a-f]{{8,17}}", id) for id in ids):
            return f"ids such as {kind}-0123456789abcdef0"
    return None


def retention_requirement(days: int) -> str | None:
    """Completes "must be ..."; None for a number that CloudWatch Logs takes."""
    return None if days in RETENTION_DAYS else f"one of {', '.join(map(str, RETENTION_DAYS))}"


def tags_requirement(tags: dict[str, str]) -> str | None:
    """Completes "must be ..." for tags that AWS refuses or this application sets itself; None for good ones."""
    if len(tags) > _MOST_TAGS:
        return f"at most {_MOST_TAGS} tags"
    for key, value in tags.items():
        if key.lower().startswith(("aws:", "stocktake:")):
            return "tags whose keys begin neither with aws: nor with stocktake:"
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            return "keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+-@"
    return None
