"""Approval: a package that waits for a person, who decides in the registry, by whatever way."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.settings import DEFAULT_NAME
from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure, catch_everything
from stacks.states.jsonata import expression
from stacks.states.retries import retry_throttling
from stacks.states.target import NUMBERED, Target


def approval(
    scope: Construct,
    target: Target,
    topic: sns.ITopic,
    function: lambda_.IFunction,
    *,
    approved: sfn.IChainable,
    rejected: sfn.IChainable,
    failure: Failure,
) -> sfn.Choice:
    """Goes on to `approved`, or to `rejected` with `reason` assigned; nobody's answer in time is a rejection."""
    which = " DEPLOYMENT=" + target.endpoint_name if target.endpoint_name != DEFAULT_NAME else ""
    name = f"$states.context.Execution.Name & '{which}'"
    ask = tasks.SnsPublish.jsonata(
        scope,
        "Ask for approval",
        topic=topic,
        subject="Stocktake: a model waits for approval",
        message=sfn.TaskInput.from_object(
            {
                "execution": expression("$states.context.Execution.Id"),
                "package": expression("$package"),
                "accuracy": expression("$evaluation.accuracy"),
                "report": expression("$run.report.uri & '/report.html'"),
                "secondsLeft": expression("$run.input.release.approvalSeconds"),
                "approve": expression(f"'make approve EXECUTION=' & {name}"),
                "reject": expression(f"'make reject EXECUTION=' & {name} & ' REASON=...'"),
            }
        ),
        outputs={},
    )
    wait = sfn.CustomState(
        scope,
        "Wait for approval",
        state_json={
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {
                "FunctionName": function.function_arn,
                "Payload": {
                    "token": expression("$states.context.Task.Token"),
                    "package": expression("$package"),
                },
            },
            "TimeoutSeconds": expression("$run.input.release.approvalSeconds"),
            "Assign": {
                "answer": expression("$states.result.status"),
                "reason": expression("'package ' & $package & ' was rejected: ' & $states.result.reason"),
            },
            "Output": {},
        },
    )
    retry_throttling(wait)
    late = call_aws(
        scope,
        "Reject unanswered package",
        "sagemaker:updateModelPackage",
        [target.package_arns],
        {
            "ModelPackageArn": expression("$package"),
            "ModelApprovalStatus": "Rejected",
            "ApprovalDescription": expression("$reason"),
        },
        wildcard=NUMBERED,
    )
    wait.add_catch(
        late,
        errors=["States.Timeout"],
        assign={
            "reason": expression(
                "'nobody approved it within the ' & $string($run.input.release.approvalSeconds)"
                "& ' seconds of release.approvalSeconds'"
            )
        },
    )
    answer = sfn.Choice.jsonata(scope, "Approved by a person?")
    answer.when(
        sfn.Condition.jsonata(expression("$answer = 'Approved'")),
        approved,
        assign={"reason": expression("$evaluation.release.reason")},
    ).otherwise(rejected)
    # Who is not told can still see it in the registry.
    catch_everything(ask, wait, outputs={})
    ask.next(failure.catch(wait)).next(answer)
    failure.catch(late).next(rejected)

    manual = sfn.Choice.jsonata(scope, "Approved?")
    return manual.when(sfn.Condition.jsonata(expression("$run.input.release.approval = 'manual'")), ask).otherwise(
        approved
    )
