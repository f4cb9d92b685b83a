"""A Lambda function with its log group and its role."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.roles import service_role


class Function(lambda_.Function):
    """Handler of a module in `lambda/` that may do what the statements say, and write its logs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        module: str,
        *,
        code: lambda_.Code,
        packages: lambda_.ILayerVersion,
        memory_mb: int,
        minutes: int,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        log_group = logs.LogGroup(
            scope,
            f"{id}Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        write_logs = iam.PolicyStatement(
            sid="WriteLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
        role = service_role(scope, f"{id}Role", service="lambda", statements=[write_logs, *statements])
        super().__init__(
            scope,
            id,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64,
            code=code,
            handler=f"{module}.handler",
            layers=[packages],
            role=role.without_policy_updates(),
            memory_size=memory_mb,
            ephemeral_storage_size=Size.mebibytes(512),
            timeout=Duration.minutes(minutes),
            log_group=log_group,
            environment=environment,
        )

    @property
    def resource_arns_for_grant_invoke(self) -> list[str]:
        """What a grant to invoke it names: not its versions, of which there are none and which CDK would add."""
        return [self.function_arn]
