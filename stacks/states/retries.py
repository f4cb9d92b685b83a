"""Which errors of a state are worth another try, and for how long."""

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

JOB_RETRIES = 3


def retry_throttling(state: tasks.LambdaInvoke | sfn.CustomState) -> None:
    """Wait for a free place: a new account may run ten functions at once, and one map alone asks for more."""
    state.add_retry(
        errors=["Lambda.TooManyRequestsException"], interval=Duration.seconds(5), max_attempts=12, backoff_rate=1.5
    )


def retry_job(state: sfn.CustomState) -> None:
    """Try again where no job was started; where that is for quota, `wait_for_quota` decides."""
    state.add_retry(
        # As the integration that waits for jobs names what SageMaker has no name for, and as the SDK's does.
        errors=["SageMaker.AmazonSageMakerException", "SageMaker.SageMakerException"],
        interval=Duration.seconds(15),
        max_attempts=JOB_RETRIES,
        backoff_rate=2,
    )
