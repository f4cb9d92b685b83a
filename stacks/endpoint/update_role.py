"""What CloudFormation may do when the state machine changes the parameter: this stack's endpoint, no more."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import alarm_arn, sagemaker_arn
from stacks.checks import Wildcard
from stacks.company.encryption import encrypt_volumes
from stacks.endpoint.alarms import NAMED, alarm_names
from stacks.roles import service_role
from stacks.settings import DeploymentSettings

_SUFFIX = (
    "CloudFormation names the model and the configuration after their logical ids and a random suffix, its newer "
    "handlers with the stack's name before them."
)


def update_role(scope: Construct, settings: DeploymentSettings, endpoint_role: iam.Role) -> iam.Role:
    """Role for CloudFormation."""
    stack = Stack.of(scope)
    return service_role(
        scope,
        "UpdateRole",
        service="cloudformation",
        source=stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*"),
        names_source=False,
        policy="update",
        statements=[
            *_endpoint(scope, settings.name, endpoint_role),
            Wildcard(
                NAMED,
                sid="RollbackAlarms",
                actions=[
                    f"cloudwatch:{action}"
                    for action in (
                        "PutMetricAlarm",
                        "DeleteAlarms",
                        "TagResource",
                        "UntagResource",
                        "ListTagsForResource",
                    )
                ],
                resources=[alarm_arn(scope, name) for name in alarm_names(settings.name, "*")],
            ),
            *_scaling(scope, bool(settings.tags)),
            *encrypt_volumes(settings),
        ],
    )


def _endpoint(scope: Construct, endpoint_name: str, endpoint_role: iam.Role) -> list[iam.PolicyStatement]:
    return [
        Wildcard(
            _SUFFIX,
            sid="Endpoint",
            actions=[
                f"sagemaker:{verb}{noun}"
                for noun in ("Model", "EndpointConfig", "Endpoint")
                for verb in ("Create", "Describe", "Delete")
            ]
            + ["sagemaker:UpdateEndpoint", "sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"],
            resources=[
                *(sagemaker_arn(scope, "model", name) for name in _names(scope, "Model")),
                *(sagemaker_arn(scope, "endpoint-config", name) for name in _names(scope, "EndpointConfig")),
                sagemaker_arn(scope, "endpoint", endpoint_name),
            ],
        ),
        Wildcard(
            "Packages are numbered, and the name of their group ends in the workflow stack's id.",
            sid="ServeThePackage",
            actions=["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
            resources=[sagemaker_arn(scope, "model-package", f"{endpoint_name}-*/*")],
        ),
        # CloudFormation reads the ARN of a role that it does not change.
        iam.PolicyStatement(sid="ReadEndpointRole", actions=["iam:GetRole"], resources=[endpoint_role.role_arn]),
        iam.PolicyStatement(
            sid="PassEndpointRole",
            actions=["iam:PassRole"],
            resources=[endpoint_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    ]


def _names(scope: Construct, logical_id: str) -> list[str]:
    """Patterns of the names that CloudFormation gives; SageMaker writes some in small letters."""
    stack = Stack.of(scope).stack_name
    return [f"{start}-*" for name in (logical_id, f"{stack}-{logical_id}") for start in (name, name.lower())]


def _scaling(scope: Construct, tagged: bool) -> list[iam.PolicyStatement]:
    stack = Stack.of(scope)
    return [
        Wildcard(
            "Neither Application Auto Scaling's calls nor DescribeAlarms can be limited to a resource, and "
            "RegisterScalableTarget tries SageMaker's with the caller's permissions, on made-up names.",
            sid="Scaling",
            actions=[
                "application-autoscaling:RegisterScalableTarget",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScheduledActions",
                "application-autoscaling:ListTagsForResource",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DescribeScalingPolicies",
                "cloudwatch:DescribeAlarms",
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
                *(f"application-autoscaling:{verb}Resource" for verb in ("Tag", "Untag") if tagged),
            ],
            resources=["*"],
        ),
        Wildcard(
            "Application Auto Scaling makes up the names of its alarms.",
            sid="ScalingAlarms",
            actions=["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
            resources=[alarm_arn(scope, "TargetTracking-*")],
        ),
        Wildcard(
            "The service-linked role's name is AWS's.",
            sid="ScalingServiceRole",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/aws-service-role/"
                "sagemaker.application-autoscaling.amazonaws.com/*"
            ],
        ),
    ]
