"""A Lambda function with its log group and its role."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks import logs
from stacks.company.encryption import use_key
from stacks.company.network import function_interfaces, put_into_network
from stacks.roles import service_role
from stacks.settings import DeploymentSettings


class Function(lambda_.Function):
    """Handler of a module in `lambda/` that may do what the statements say, and write its logs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        module: str,
        *,
        settings: DeploymentSettings,
        code: lambda_.Code,
        packages: lambda_.ILayerVersion,
        memory_mb: int,
        minutes: int,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        log_group = logs.log_group(scope, f"{id}Logs", settings)
        write_logs = iam.PolicyStatement(
            sid="WriteLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
        role = service_role(
            scope,
            f"{id}Role",
            service="lambda",
            statements=[
                write_logs,
                *statements,
                *(use_key(settings) if _works_on_objects(statements) else []),
                *function_interfaces(settings),
            ],
        )
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
        put_into_network(self, settings)

    @property
    def resource_arns_for_grant_invoke(self) -> list[str]:
        """What a grant to invoke it names: not its versions, of which there are none and which CDK would add."""
        return [self.function_arn]


def _works_on_objects(statements: Sequence[iam.PolicyStatement]) -> bool:
    return any(action.startswith("s3:") for statement in statements for action in statement.actions)
