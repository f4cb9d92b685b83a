"""Approval: a package that waits for a person, who decides in the registry, by whatever way."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure, catch_everything
from stacks.states.integration import integration
from stacks.states.jsonata import expression
from stacks.states.notification import EXECUTION, counted_right, notify, of_deployment, report_lines
from stacks.states.retries import retry_service, retry_until_run
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
    named, name = of_deployment(target.endpoint_name), "$states.context.Execution.Name"
    approve = f"'make approve EXECUTION=' & {name} & '{named}'"
    reject = f"'make reject EXECUTION=' & {name} & '{named} REASON=...'"
    seconds = "$run.input.release.approvalSeconds"
    report = "$run.report.uri & '/report.html'"
    ask = notify(
        scope,
        "Ask for approval",
        topic,
        subject="'Stocktake: a model waits for approval'",
        lines=[
            f"'A model waits for your decision. It counts ' & {counted_right('$evaluation')} & ' right.'",
            "'It is good enough: ' & $evaluation.release.reason",
            "''",
            f"'Serve it: ' & {approve}",
            f"'Reject it: ' & {reject}",
            f"'It is rejected if nobody answers within ' & ({seconds} < 7200 ? $string({seconds}) & ' seconds.'"
            f" : $string($round({seconds} / 3600, 1)) & ' hours.')",
            "''",
            "'Package ' & $package",
            *report_lines(f"({report})"),
            *EXECUTION,
        ],
        facts={
            "execution": "$states.context.Execution.Id",
            "package": "$package",
            "accuracy": "$evaluation.accuracy",
            "report": report,
            "secondsLeft": seconds,
            "approve": approve,
            "reject": reject,
        },
        outputs={},
    )
    wait = sfn.CustomState(
        scope,
        "Wait for approval",
        state_json={
            "Comment": "Until somebody decides in the registry, or the time is over.",
            "Type": "Task",
            "Resource": integration(scope, "lambda:invoke.waitForTaskToken"),
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
    retry_until_run(wait)
    retry_service(wait)
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
        comment="Nobody has answered in time.",
        wildcard=NUMBERED,
    )
    wait.add_catch(
        late,
        errors=["States.Timeout"],
        assign={
            "reason": expression(
                "'nobody approved it within the ' & $string($run.input.release.approvalSeconds)"
                "& ' seconds of release.approvalSeconds. To serve it all the same: aws sagemaker update-model-package '"
                "& '--model-approval-status Approved --model-package-arn ' & $package & ', then make promote '"
                f"& 'PACKAGE=' & $package & '{named}'"
            )
        },
    )
    answer = sfn.Choice.jsonata(scope, "Approved by a person?", comment="What the package's status has become.")
    answer.when(
        sfn.Condition.jsonata(expression("$answer = 'Approved'")),
        approved,
        assign={"reason": expression("$evaluation.release.reason")},
    ).otherwise(rejected)
    # Who is not told can still see it in the registry.
    catch_everything(ask, wait, outputs={})
    ask.next(failure.catch(wait)).next(answer)
    failure.catch(late).next(rejected)

    manual = sfn.Choice.jsonata(
        scope, "Approved?", comment="With release.approval manual a person decides; else the evaluation has."
    )
    return manual.when(sfn.Condition.jsonata(expression("$run.input.release.approval = 'manual'")), ask).otherwise(
        approved
    )
