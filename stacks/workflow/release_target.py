"""Where models are registered, and what a release of one acts on."""

from aws_cdk import ArnFormat, Fn, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sagemaker as sagemaker

from stacks import images
from stacks.arns import sagemaker_arn
from stacks.checks import acknowledge
from stacks.endpoint.stack import EndpointStack
from stacks.settings import DeploymentSettings
from stacks.states.target import Target


def release_target(stack: Stack, settings: DeploymentSettings, endpoint: EndpointStack, code_hash: str) -> Target:
    """The endpoint's stack and a model package group and a table of this stack's own."""
    group = _package_group(stack, settings.name)
    turns = _turns(stack)
    return Target(
        stack_name=endpoint.stack_name,
        stack_arn=stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{endpoint.stack_name}/*"
        ),
        update_role_arn=endpoint.update_role.role_arn,
        endpoint_name=endpoint.endpoint_name,
        endpoint_arn=sagemaker_arn(stack, "endpoint", endpoint.endpoint_name),
        endpoint_config_arns=sagemaker_arn(stack, "endpoint-config", "*ndpoint?onfig-*"),
        model_arns=sagemaker_arn(stack, "model", "*odel-*"),
        package_group=group.model_package_group_name,
        package_group_arn=group.attr_model_package_group_arn,
        package_arns=sagemaker_arn(stack, "model-package", f"{group.model_package_group_name}/*"),
        serving_image=images.image_uri(stack, images.SERVING),
        serving_instance_type=settings.endpoint_instance_type,
        poll_seconds=settings.poll_seconds,
        code_hash=code_hash,
        turns_table=turns.table_name,
        turns_table_arn=turns.table_arn,
        execution_arns=stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{settings.name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        ),
    )


def _turns(stack: Stack) -> dynamodb.Table:
    """Holds one item, while an execution changes the endpoint. It goes with the stack, and so does the turn."""
    table = dynamodb.Table(
        stack,
        "Turns",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(table, "AwsSolutions-DDB3", "There is nothing to recover: a turn is over when its execution is.")
    return table


def _package_group(stack: Stack, name: str) -> sagemaker.CfnModelPackageGroup:
    """A group that outlives the stack: one with packages cannot be deleted.

    The stack's own id in its name lets the next deployment start with a group of its own.
    """
    stack_guid = Fn.select(2, Fn.split("/", stack.stack_id))
    group = sagemaker.CfnModelPackageGroup(
        stack,
        "Models",
        model_package_group_name=Fn.join("-", [name, Fn.select(0, Fn.split("-", stack_guid))]),
        model_package_group_description="Models that Stocktake trained, with their evaluation",
    )
    group.apply_removal_policy(RemovalPolicy.RETAIN)
    return group
