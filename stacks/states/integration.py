"""What a state that is written by hand calls, named as Step Functions does."""

from aws_cdk import Stack
from constructs import Construct


def integration(scope: Construct, name: str) -> str:
    """The ARN of a service integration such as ``sagemaker:createTrainingJob.sync``, in the stack's own partition.

    States refuse one of another partition, which is found out when an execution comes to them.
    """
    return f"arn:{Stack.of(scope).partition}:states:::{name}"
