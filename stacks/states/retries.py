"""Which errors of a state are worth another try, and for how long. Step Functions itself tries nothing again."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

JOB_RETRIES = 3

NOT_RUN = (
    "TooManyRequestsException",
    "ResourceNotReadyException",
    "ENINotReadyException",
    "ResourceConflictException",
    "CodeArtifactUserPendingException",
)
"""Lambda's codes where a function did not run and will later; commands have the same (console/functions.py)."""


def retry_until_run(state: tasks.LambdaInvoke | sfn.CustomState) -> None:
    """Wait where the function did not run.

    For a free place: a new account may run ten functions at once, and one map alone asks for more. For a function that
    nobody called for weeks: AWS takes its network interface in a VPC, and refuses the call that makes it ready again.
    """
    state.add_retry(
        errors=[f"Lambda.{name}" for name in NOT_RUN], interval=Duration.seconds(5), max_attempts=12, backoff_rate=1.5
    )


def retry_service(state: sfn.CustomState) -> None:
    """Try again where Lambda, not the function, has failed; CDK does so for states of its own."""
    names = ("ClientExecutionTimeoutException", "ServiceException", "AWSLambdaException", "SdkClientException")
    state.add_retry(
        errors=[f"Lambda.{name}" for name in names], interval=Duration.seconds(2), max_attempts=6, backoff_rate=2
    )


def retry_call(state: sfn.TaskStateBase | sfn.CustomState, answers: Sequence[str] = ()) -> None:
    """Try a call again, which AWS may throttle or fail for a moment: two minutes of waiting in all.

    What is refused for good has no error name of its own in most services, so it is tried again, too.

    Parameters
    ----------
    answers
        Errors that another try would not change.
    """
    if answers:
        state.add_retry(errors=list(answers), max_attempts=0)
    state.add_retry(errors=["States.TaskFailed"], interval=Duration.seconds(2), max_attempts=6, backoff_rate=2)


def retry_job(state: sfn.CustomState) -> None:
    """Try again where no job was started; where that is for quota, `wait_for_quota` decides."""
    state.add_retry(
        # As the integration that waits for jobs names what SageMaker has no name for, and as the SDK's does.
        errors=["SageMaker.AmazonSageMakerException", "SageMaker.SageMakerException"],
        interval=Duration.seconds(15),
        max_attempts=JOB_RETRIES,
        backoff_rate=2,
    )
