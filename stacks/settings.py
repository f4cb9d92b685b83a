"""The deployment's settings: typed, validated at synth, read from the CDK context.

Every field can be given as `-c name=value` or in cdk.json's context under the same name; objects and lists as JSON.
A wrong value stops the synth with a sentence that names the setting, what was given and what is allowed.
"""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from constructs import Node
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from run import contract, instances
from run.deployment import check_deployment
from run.sentences import shown
from stacks import schedules
from stacks.company import allowed

ROOT = Path(__file__).resolve().parent.parent

DEFAULT_NAME = "stocktake"
DEPLOYMENT = "stocktake:deployment"
"""The tag, for the allocation of costs, whose value is a deployment's name."""
_JOB_PREFIX = 9

# Plan gets both in its environment, which holds 4 KB in all.
_MOST_BUCKETS = 20
_MOST_DEFAULTS = 2000


def _meets(requirement: Callable[[Any], str | None]) -> AfterValidator:
    """Fails with what the value must be, unless the requirement is None."""

    def check(value: Any) -> Any:
        if must_be := requirement(value):
            raise ValueError(f"{shown(_plain(value))} was given; must be {must_be}")
        return value

    return AfterValidator(check)


def _no_audits_name(name: str) -> str | None:
    return "a name that does not end in -audit, as a deployment's audits do" if name.endswith("-audit") else None


def _plain(value: Any) -> Any:
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value


class InvalidSetting(ValueError):
    """A context value is not what the setting allows; the message has one sentence for each fault."""


class DeploymentSettings(BaseModel):
    """What differs between deployments; the defaults work in an account that has no context.

    A field's description completes the sentence "must be ...".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    name: Annotated[str, _meets(_no_audits_name)] = Field(
        DEFAULT_NAME,
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
        description="at most 20 lower-case letters, digits and single dashes between them, a letter first "
        "(it prefixes physical names)",
    )
    source_buckets: list[Annotated[str, Field(pattern=f"^{contract.BUCKET}$")]] = Field(
        ["aft-vbi-pds"],
        min_length=1,
        max_length=_MOST_BUCKETS,
        description=f"a JSON list of 1 to {_MOST_BUCKETS} names of buckets, such as aft-vbi-pds: "
        "executions may read their bins from these",
    )
    defaults: dict[str, Any] = Field(
        {},
        description="a JSON object in the shape of the execution input; it overrides the built-in defaults",
    )
    retain_data: bool = Field(
        True,
        description="true or false (false: `cdk destroy` also deletes the data bucket with all it holds)",
    )
    schedule: Annotated[str, _meets(schedules.requirement)] | None = Field(
        None, description="an EventBridge schedule such as rate(7 days) or cron(0 3 ? * SUN *)"
    )
    notify_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="an email address, told how executions end"
    )
    monthly_budget_usd: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="a number of USD above 0, at most 1000000 (mails when a month's costs come near it)",
    )
    map_concurrency: int = Field(
        40, ge=1, le=1000, description="an integer from 1 to 1000 (functions that one data step runs at once)"
    )
    evaluation_instance_type: Annotated[str, _meets(instances.evaluation_requirement)] | None = Field(
        None, description="a SageMaker processing instance type such as ml.m5.large"
    )
    endpoint_instance_type: Annotated[str, _meets(instances.endpoint_requirement)] = Field(
        "ml.m7i.large", description="a SageMaker endpoint instance type such as ml.m7i.large"
    )
    endpoint_instances: int = Field(1, ge=1, le=20, description="an integer from 1 to 20")
    endpoint_max_instances: int = Field(4, ge=1, le=100, description="an integer from 1 to 100")
    endpoint_traffic: Literal["canary", "linear"] = Field(
        "canary",
        description="canary or linear (how an update moves the traffic, from two instances on; one is switched whole)",
    )
    capture_percent: int = Field(
        0,
        ge=0,
        le=100,
        description="an integer from 0 to 100 (percent of the requests that are kept with their answers)",
    )
    drift_schedule: Annotated[str, _meets(schedules.requirement_or_off)] | None = Field(
        None, description="an EventBridge schedule such as rate(1 day), or off"
    )
    drift_starts: bool = Field(
        False, description="true or false (true: a drift starts an execution with the defaults, if none runs)"
    )
    managed_debugger: bool = Field(
        False,
        description="true or false (true: SageMaker's Debugger, closed to new accounts, watches training)",
    )
    poll_seconds: int = Field(
        30,
        ge=10,
        le=300,
        description="an integer from 10 to 300 (seconds between two looks at an endpoint update; "
        "every look is 9 of the 25,000 events of an execution's history)",
    )

    permissions_boundary: str | None = Field(
        None, pattern=allowed.POLICY, description="the ARN or the name of a managed policy, for every role"
    )
    iam_path: str | None = Field(
        None,
        pattern=allowed.PATH,
        max_length=512,
        description="a path that begins and ends with a slash, such as /teams/vision/, for every role",
    )
    vpc: Annotated[allowed.Vpc, _meets(allowed.vpc_requirement)] | None = Field(
        None,
        description='a JSON object such as {"subnetIds": ["subnet-0123456789abcdef0"], '
        '"securityGroupIds": ["sg-0123456789abcdef0"]}, of 1 to 16 subnets and 1 to 5 security groups',
    )
    kms_key: str | None = Field(
        None,
        pattern=allowed.KEY,
        description="the ARN of a KMS key (not of an alias), "
        "such as arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    )
    access_log_bucket: str | None = Field(
        None, pattern=f"^{contract.BUCKET}$", description="the name of a bucket of the same account and region"
    )
    tags: Annotated[dict[str, str], _meets(allowed.tags_requirement)] = Field(
        {}, description='a JSON object of texts, such as {"team": "vision"}'
    )
    log_retention_days: Annotated[int, _meets(allowed.retention_requirement)] = Field(
        30, description=f"one of {', '.join(map(str, allowed.RETENTION_DAYS))}"
    )

    @field_validator("defaults")
    @classmethod
    def _are_an_execution_input(cls, value: dict[str, Any]) -> dict[str, Any]:
        completed = contract.complete(value)
        if completed.release.package is not None:
            raise ValueError("release.package was given; no execution would train anything; must be in an input alone")
        if (size := len(json.dumps(value))) > _MOST_DEFAULTS:
            raise ValueError(f"{size} bytes of JSON were given; must be at most {_MOST_DEFAULTS}")
        return value

    @model_validator(mode="after")
    def _has_room_for_the_instances(self) -> Self:
        if self.endpoint_max_instances < self.endpoint_instances:
            raise ValueError(
                f"endpointInstances: {self.endpoint_instances} was given; must be at most endpointMaxInstances, "
                f"which is {self.endpoint_max_instances} (as many: the endpoint does not scale)"
            )
        return self

    @model_validator(mode="after")
    def _scales_where_that_is_possible(self) -> Self:
        if self.scales and instances.is_burstable(self.endpoint_instance_type):
            raise ValueError(
                f"endpointMaxInstances: {self.endpoint_max_instances} was given; must be {self.endpoint_instances}, as "
                f"endpointInstances, on {self.endpoint_instance_type}: AWS scales no burstable instances"
            )
        return self

    @model_validator(mode="after")
    def _captures_what_drift_is_seen_in(self) -> Self:
        if self.drift_schedule not in (None, schedules.OFF) and not self.capture_percent:
            raise ValueError(
                f"driftSchedule: {shown(self.drift_schedule)} was given; must be left out, or off, while "
                "capturePercent is 0: drift is seen in the requests that are kept"
            )
        if self.drift_starts and not self.watches_drift:
            raise ValueError(
                "driftStarts: true was given; must be false without a watch on drift, which needs capturePercent above "
                "0 and a driftSchedule that is not off"
            )
        return self

    @model_validator(mode="after")
    def _can_do_what_the_defaults_ask(self) -> Self:
        completed = contract.complete(self.defaults)
        # Without a source of its own, and a schedule, executions may all be started with one.
        names_source = self.schedule or self.drift_starts or "source" in self.defaults.get("dataset", {})
        allowed = self.source_buckets if names_source else [*self.source_buckets, completed.dataset.source_bucket]
        try:
            check_deployment(completed, allowed, self.managed_debugger)
        except contract.InvalidInput as error:
            raise ValueError("\n".join(f"defaults: {line}" for line in str(error).splitlines())) from None
        return self

    @property
    def scales(self) -> bool:
        """Whether the endpoint's fleet follows the number of requests."""
        return self.endpoint_max_instances > self.endpoint_instances

    @property
    def watches_drift(self) -> str | None:
        """When photos are compared with the evaluation's: a day by default where any are kept."""
        if not self.capture_percent or self.drift_schedule == schedules.OFF:
            return None
        return self.drift_schedule or "rate(1 day)"

    @property
    def evaluation_type(self) -> str:
        """Where models are evaluated: on the endpoint's family by default, so in its number format."""
        return self.evaluation_instance_type or instances.evaluation_type_beside(self.endpoint_instance_type)

    @property
    def audit_type(self) -> str:
        """Where bins are audited: as models are evaluated, but on CPUs, as the endpoint counts."""
        if instances.has_gpu(self.evaluation_type):
            return instances.evaluation_type_beside(self.endpoint_instance_type)
        return self.evaluation_type

    @property
    def default_architectures(self) -> list[str]:
        """What an execution trains that names no architecture."""
        return list(contract.complete(self.defaults).architectures)

    @property
    def default_recipe(self) -> str:
        """How an execution trains that names no recipe."""
        return contract.complete(self.defaults).recipe

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
        context: dict[str, Any] = node.get_all_context()
        given = {name: _parsed(context[name]) for name in names if context.get(name) is not None}
        faults = list(_misspelt(context.keys() - names, names))
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            faults += [_sentence(cls, e) for e in error.errors()]
        if faults:
            raise InvalidSetting("\n".join(faults))
        return settings


def _misspelt(keys: set[str], names: list[str]) -> Iterator[str]:
    """A sentence for each key of the context that is nearly a setting. Those of CDK and libraries have a : or a /."""
    plain = {name.lower(): name for name in names}
    for key in sorted(keys):
        spelling = key.lower().replace("-", "").replace("_", "")
        near = difflib.get_close_matches(spelling, plain, n=1, cutoff=0.75)
        if near and not {":", "/"} & set(key):
            yield f"setting {key}: there is none of this name; did you mean {plain[near[0]]}?"


def _parsed(value: Any) -> Any:
    """`-c name=value` always arrives as a string; cdk.json keeps JSON's own types."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            return value
    return value


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    name = ".".join(map(str, error["loc"][:1]))
    if error["type"] == "value_error":
        of = f"setting {name}: " if name else "setting "
        return "\n".join(of + line for line in str(error["ctx"]["error"]).splitlines())
    field = next(field for field in model.model_fields.values() if field.alias == name)
    return f"setting {name}: {shown(error['input'])} was given; must be {field.description}"
