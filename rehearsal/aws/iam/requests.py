"""From an HTTP request to the permissions that it needs: actions, resources and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/ has the list for each service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import BotoCoreError

from rehearsal.aws.iam import reference, s3
from rehearsal.aws.location import ACCOUNT_ID
from rehearsal.aws.service_models import service_model

_PREFIXES = {"monitoring": "cloudwatch"}
"""Names that requests are signed for -> prefix of the service's actions, where that is another."""

_MODELS = {"monitoring": "cloudwatch", "states": "stepfunctions"}
"""Names that requests are signed for -> botocore's name of the service's model, where that is another."""

_ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction"}

_FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Actions that nobody needs a permission for."""

_PASSED_TO = {
    "cloudformation": "cloudformation.amazonaws.com",
    "events": "events.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
    "states": "states.amazonaws.com",
}
_ROLE_FIELDS = {"Role", "RoleArn", "ExecutionRoleArn", "roleArn", "RoleARN"}


@dataclass(frozen=True)
class Call:
    """An HTTP request as far as permissions go."""

    method: str
    path: str
    query: str
    host: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def signature(self) -> tuple[str, str, str] | None:
        """Access key, region and service that the request is signed with and for; None for an unsigned one."""
        query = parse_qs(self.query)
        scope = query["X-Amz-Credential"][0] if "X-Amz-Credential" in query else self.headers.get("Authorization", "")
        found = re.search(r"(?:Credential=|^)([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request", scope)
        return (found[1], found[2], found[3]) if found else None

    @property
    def service(self) -> str:
        """The service that is called; only S3 and endpoints are called without a signature."""
        if self.signature:
            return self.signature[2]
        return "sagemaker" if self.path.startswith("/endpoints/") else "s3"


@dataclass(frozen=True)
class Need:
    """A permission that a call needs."""

    action: str
    resource: str
    context: Mapping[str, list[str]] = field(default_factory=dict)
    passed_role: str | None = None
    """The role's ARN, where the permission is to pass one."""


def needs_body(call: Call) -> bool:
    """Whether the body says what is asked for: large ones of S3 and of endpoints do not."""
    if call.signature is None or call.method == "GET":
        return False
    service = call.signature[2]
    return "delete" in call.query if service == "s3" else not call.path.startswith("/endpoints/")


def is_query(call: Call) -> bool:
    """Whether a call is made by AWS's query protocol, whose answers are XML."""
    form = "x-www-form-urlencoded" in call.headers.get("Content-Type", "") or "Action=" in call.query
    return form and "X-Amz-Target" not in call.headers


def operation_of(call: Call) -> str:
    """The operation that is called; method and address where nothing names it, as in S3."""
    address = f"{call.method} {call.path}{'?' if call.query else ''}{call.query}"
    if call.service == "s3":
        return address
    try:
        return _read(call, call.service)[0]
    except (NotImplementedError, LookupError, BotoCoreError):
        return address


def needs(call: Call, service: str, region: str) -> Iterator[Need]:
    """What a call of one service needs."""
    if service == "s3":
        request = call.method, call.path, call.query, call.host, call.headers, call.body
        yield from (Need(*permission) for permission in s3.permissions(*request))
        return
    operation, parameters = _read(call, service)
    prefix = _PREFIXES.get(service, service)
    action = f"{prefix}:{operation}"
    action = _ACTIONS.get(action, action)
    if action in _FREE:
        return
    context = _tags(parameters) | _keys_of(action, parameters)
    for resource in resources(action, parameters, region):
        yield Need(action, resource, context)
    yield from _also(action, parameters, region)
    for role in _roles_in(parameters):
        if operation.startswith(("Create", "Update", "Execute", "Put", "Start")) and prefix in _PASSED_TO:
            passing = {
                "iam:passedtoservice": [_PASSED_TO[prefix]],
                "iam:associatedresourcearn": resources(action, parameters, region),
            }
            yield Need("iam:PassRole", role, passing, passed_role=role)


def resources(action: str, parameters: Mapping[str, Any], region: str) -> list[str]:
    """The ARNs that an action with these parameters is about; ``*`` where it knows no resources or names none."""
    if action == "sts:AssumeRole":
        return [parameters["RoleArn"]]
    try:
        types = reference.resource_types(action)
    except KeyError:
        return ["*"]
    found = []
    for kind, pattern in types.items():
        found += _arns(action, kind, pattern, parameters, region)
    return list(dict.fromkeys(found)) or ["*"]


def _arns(action: str, kind: str, pattern: re.Pattern[str], parameters: Mapping[str, Any], region: str) -> list[str]:
    """The ARN of one type of resource among the parameters, or those made of the names among them."""
    service = action.partition(":")[0]
    for field_name, value in parameters.items():
        if field_name not in _ROLE_FIELDS and isinstance(value, str) and pattern.match(value):
            return [value]
    return [_arn(service, kind, name, parameters, region) for name in _names(service, kind, parameters)]


def _arn(service: str, kind: str, name: str, parameters: Mapping[str, Any], region: str) -> str:
    if service == "iam":
        return f"arn:aws:iam::{ACCOUNT_ID}:{kind}/{name}"
    place = f"arn:aws:{service}:{region}:{ACCOUNT_ID}"
    match service, kind:
        case "sns", "topic":
            return f"{place}:{name}"
        case "logs", _:
            return f"{place}:log-group:{name}:log-stream:{parameters.get('logStreamName', '')}"
        case "lambda" | "states" | "cloudwatch", _:
            qualifier = f":{parameters['Qualifier']}" if parameters.get("Qualifier") else ""
            return f"{place}:{ {'statemachine': 'stateMachine'}.get(kind, kind) }:{name}{qualifier}"
        case "sagemaker", "model-package" if "/" not in name:
            return f"{place}:{kind}/{name}/1"  # A group's packages are numbered.
        case "cloudformation", "stack":
            return f"{place}:stack/{name}/id"  # Which id it has, no policy can know.
        case _:
            return f"{place}:{kind}/{name.lstrip('/')}"


def _names(service: str, kind: str, parameters: Mapping[str, Any]) -> list[str]:
    """The name of a resource, or of several, by how the service calls that parameter."""
    camel = "".join(part.capitalize() for part in re.split(r"[-_]", kind))
    candidates = {
        ("states", "statemachine"): ["name"],
        ("logs", "log-group"): ["logGroupName"],
        ("logs", "log-stream"): ["logGroupName"],
        ("ssm", "parameter"): ["Name"],
        ("sns", "topic"): ["Name"],
        ("events", "rule"): ["Name", "Rule"],
        ("cloudwatch", "alarm"): ["AlarmName", "AlarmNames"],
        ("sagemaker", "model-package"): ["ModelPackageName", "ModelPackageGroupName"],
        ("lambda", "layer"): ["LayerName"],
        ("ecr", "repository"): ["repositoryName"],
    }.get((service, kind), [f"{camel}Name"])
    for candidate in candidates:
        if isinstance(value := parameters.get(candidate), str):
            return [value]
        if isinstance(value, list):
            return value
        # As the query protocol writes a list.
        if several := [value for name, value in parameters.items() if re.fullmatch(rf"{candidate}\.member\.\d+", name)]:
            return several
    return []


def _also(action: str, parameters: Mapping[str, Any], region: str) -> Iterator[Need]:
    """What a service tries with the caller's permissions beyond the action itself (each one documented by AWS)."""
    if action.startswith("sagemaker:Create") and parameters.get("Tags"):
        for resource in resources(action, parameters, region):
            yield Need("sagemaker:AddTags", resource, _tags(parameters))
    if action == "sagemaker:CreateModelPackage":
        for container in parameters.get("InferenceSpecification", {}).get("Containers", []):
            yield from image_pull(container["Image"])
            if bucket := re.match(r"s3://([^/]+)/", container.get("ModelDataUrl", "")):
                yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket[1]}")
    if action == "sagemaker:CreateModel" and (package := parameters["PrimaryContainer"].get("ModelPackageName")):
        yield Need("sagemaker:CreateModel", package)
    if action == "application-autoscaling:RegisterScalableTarget" and parameters.get("ServiceNamespace") == "sagemaker":
        endpoint = parameters["ResourceId"].split("/")[1]
        for tried in ("DescribeEndpoint", "DescribeEndpointConfig", "UpdateEndpointWeightsAndCapacities"):
            kind = "endpoint-config" if tried.endswith("Config") else "endpoint"
            arn = f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:{kind}/{endpoint}"
            yield Need(f"sagemaker:{tried}", arn)
    # Application Auto Scaling makes the alarms of target tracking in the caller's name.
    alarm = f"arn:aws:cloudwatch:{region}:{ACCOUNT_ID}:alarm:TargetTracking-{parameters.get('ResourceId')}-AlarmHigh"
    if action == "application-autoscaling:PutScalingPolicy":
        yield Need("cloudwatch:PutMetricAlarm", alarm)
        yield Need("cloudwatch:DescribeAlarms", "*")
    if action == "application-autoscaling:DeleteScalingPolicy":
        yield Need("cloudwatch:DeleteAlarms", alarm)


def image_pull(image: str) -> Iterator[Need]:
    """Pulling a container image, such as ``<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>``."""
    if found := re.match(r"(\d+)\.dkr\.ecr\.([\w-]+)\.[^/]+/([^:@]+)", image):
        repository = f"arn:aws:ecr:{found[2]}:{found[1]}:repository/{found[3]}"
        for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
            yield Need(f"ecr:{action}", repository)


def _read(call: Call, service: str) -> tuple[str, dict[str, Any]]:
    """Operation and parameters of a call, whatever the service's protocol."""
    if target := call.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], _json(call.body)
    if found := re.fullmatch(r"/service/\w+/operation/(\w+)", call.path):
        return found[1], {}
    if is_query(call):
        fields = parse_qs(call.query) | parse_qs(call.body.decode(errors="replace"))
        return fields["Action"][0], {name: values[0] for name, values in fields.items()}
    model = "sagemaker-runtime" if call.path.startswith("/endpoints/") else _MODELS.get(service, service)
    for method, path, operation in _routes(model):
        if method == call.method and (found := path.fullmatch(call.path)):
            query = {name: values[0] for name, values in parse_qs(call.query).items()}
            in_path = {name: unquote(value) for name, value in found.groupdict().items()}
            return operation, query | _json(call.body) | in_path
    raise NotImplementedError(f"{service} has no operation {call.method} {call.path}")


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and name of each operation of a REST service; exact paths first."""
    model = service_model(service)
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.sub(r"[.?]", r"\\\g<0>", http["requestUri"].partition("?")[0])
        path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path)
        routes.append((http["method"], re.compile(path + "/?"), name))
    return sorted(routes, key=lambda route: route[1].pattern.count("?P<"))


def _json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _tags(parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    tags = parameters.get("Tags")
    if not isinstance(tags, list):
        return {}
    values = {f"aws:requesttag/{tag['Key']}".lower(): [tag["Value"]] for tag in tags}
    return values | {"aws:tagkeys": [tag["Key"] for tag in tags]}


def _keys_of(action: str, parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """A service's own condition keys, where policies use them."""
    if action.startswith("cloudformation:") and parameters.get("RoleARN"):
        return {"cloudformation:rolearn": [parameters["RoleARN"]]}
    if action == "cloudwatch:PutMetricData" and "Namespace" in parameters:
        return {"cloudwatch:namespace": [parameters["Namespace"]]}
    return {}


def _roles_in(parameters: Mapping[str, Any]) -> Iterator[str]:
    """The ARNs of roles that a call hands to a service."""
    for name, value in parameters.items():
        if name in _ROLE_FIELDS and isinstance(value, str) and ":role/" in value:
            yield value
        elif isinstance(value, dict):
            yield from _roles_in(value)
