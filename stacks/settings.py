"""The deployment's settings: typed, validated at synth, read from the CDK context.

Every field can be given as `-c name=value` or in cdk.json's context under the same name; objects and lists as JSON.
A wrong value stops the synth with a sentence that names the setting, what was given and what is allowed.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

from constructs import Node
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

ROOT = Path(__file__).resolve().parent.parent

# `lambda` is a keyword, so that folder can only be an import root. The settings check the execution defaults with the
# model that the deployed Plan function uses: one contract, told at synth instead of at the first execution.
sys.path.insert(0, str(ROOT / "lambda"))
from run import contract  # noqa: E402

_JOB_PREFIX = 9

InstanceType = Annotated[
    str,
    Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="a SageMaker instance type such as ml.m5.large"),
]


class InvalidSetting(ValueError):
    """A context value is not what the setting allows; the message has one sentence for each fault."""


class DeploymentSettings(BaseModel):
    """What differs between deployments; the defaults work in an account that has no context.

    A field's description completes the sentence "must be ...".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    name: str = Field(
        "stocktake",
        pattern=r"^[a-z][a-z0-9-]{0,19}$",
        description="at most 20 lower-case letters, digits and dashes, a letter first (it prefixes physical names)",
    )
    source_buckets: list[str] = Field(
        ["aft-vbi-pds"],
        min_length=1,
        description="a JSON list of the buckets that executions may read their bins from",
    )
    defaults: dict[str, Any] = Field(
        {},
        description="a JSON object in the shape of the execution input; it overrides the built-in defaults",
    )
    retain_data: bool = Field(
        True,
        description="true or false (false: `cdk destroy` also deletes the data bucket with all it holds)",
    )
    schedule: str | None = Field(
        None,
        pattern=r"^(rate|cron)\(.+\)$",
        description="an EventBridge schedule such as rate(7 days) or cron(0 3 ? * SUN *)",
    )
    notify_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="an email address, told how executions end"
    )
    map_concurrency: int = Field(
        40, ge=1, le=1000, description="an integer from 1 to 1000 (functions that one data step runs at once)"
    )
    evaluation_instance_type: InstanceType = "ml.m5.xlarge"
    endpoint_instance_type: InstanceType = "ml.m5.large"
    endpoint_instances: int = Field(1, ge=1, le=20, description="an integer from 1 to 20")
    endpoint_max_instances: int = Field(4, ge=1, le=100, description="an integer from 1 to 100")
    managed_debugger: bool = Field(
        False,
        description="true or false (true: SageMaker's Debugger, closed to new accounts, watches training)",
    )
    poll_seconds: int = Field(
        30, ge=1, le=300, description="an integer from 1 to 300 (between two looks at an endpoint update)"
    )

    @field_validator("defaults")
    @classmethod
    def _are_an_execution_input(cls, value: dict[str, Any]) -> dict[str, Any]:
        contract.complete(value)
        return value

    @property
    def job_prefix(self) -> str:
        """What the names of this deployment's jobs begin with.

        A tuning job's has 32 characters in all; the run's name and kind take 19, and 4 are for the attempt's number.
        """
        if len(self.name) <= _JOB_PREFIX:
            return self.name
        return self.name[:4] + hashlib.sha256(self.name.encode()).hexdigest()[: _JOB_PREFIX - 4]

    @property
    def job_names(self) -> str:
        """Pattern of those names; the run's 12 characters keep apart what another deployment's name goes on with."""
        return f"{self.job_prefix}-{'?' * 12}-*"

    @classmethod
    def from_context(cls, node: Node) -> "DeploymentSettings":
        """Read every setting that the context has.

        Raises
        ------
        InvalidSetting
            Naming the setting, the value given and what is allowed.
        """
        names = [to_camel(name) for name in cls.model_fields]
        given = {name: node.try_get_context(name) for name in names}
        try:
            return cls.model_validate({k: _parsed(v) for k, v in given.items() if v is not None})
        except ValidationError as error:
            raise InvalidSetting("\n".join(_sentence(cls, e) for e in error.errors())) from None


def _parsed(value: Any) -> Any:
    """`-c name=value` always arrives as a string; cdk.json keeps JSON's own types."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    if error["type"] == "value_error":
        return f"setting {name}: {error['ctx']['error']}"
    field = next(field for field in model.model_fields.values() if field.alias == name)
    description = field.description or next(
        (m.description for m in field.metadata if getattr(m, "description", None)), "valid"
    )
    return f"setting {name}: {json.dumps(error['input'])} was given; must be {description}"
