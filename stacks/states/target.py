"""What a release acts on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The endpoint's stack, the registry, and the table of turns.

    Attributes
    ----------
    code_hash
        The asset hash of the code that trains its models.
    """

    stack_name: str
    stack_arn: str
    update_role_arn: str
    endpoint_name: str
    endpoint_arn: str
    endpoint_config_arns: str
    model_arns: str
    """Patterns of the names that CloudFormation gives: with the stack's before them or not, in small letters or not."""
    package_group: str
    package_group_arn: str
    package_arns: str
    serving_image: str
    serving_instance_type: str
    poll_seconds: int
    code_hash: str
    turns_table: str
    turns_table_arn: str
    execution_arns: str
    """Pattern of the executions that take turns."""


STACK_ID = "A stack's ARN ends in an id that differs with every creation."
NUMBERED = "Packages are numbered by SageMaker."
