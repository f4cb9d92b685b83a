"""Release: register a model that is good enough, put it behind the endpoint, try it, and take it back if it fails.

The endpoint belongs to its CloudFormation stack; deploying is an update of that stack's parameter. The same states take
a model back: they set the parameter to what it was before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.endpoint.stack import PARAMETER
from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure, catch_everything
from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, SENTENCE, expression
from stacks.states.package import properties

_STACK_ID = "A stack's ARN ends in an id that differs with every creation."
_NUMBERED = "Packages are numbered by SageMaker."

CONTENT_TYPES = ["image/jpeg", "image/png", "application/x-image", "multipart/form-data", "application/jsonlines"]
RESPONSE_TYPES = ["application/json", "application/jsonlines", "text/csv"]
"""What the serving application takes and answers."""


@dataclass(frozen=True)
class Target:
    """What a release acts on.

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
    package_group: str
    package_group_arn: str
    package_arns: str
    serving_image: str
    serving_instance_type: str
    poll_seconds: int
    code_hash: str


def release(
    scope: Construct, target: Target, smoke_test: lambda_.IFunction, report: sfn.IChainable, failure: Failure
) -> sfn.Chain:
    """Ends in `report` with `decision`, `reason`, `package` and `endpoint` assigned."""
    register = _register(scope, target, failure)
    deploy = _deploy(scope, target, smoke_test, report, failure)

    approval = sfn.Choice.jsonata(scope, "Approved?")
    approval.when(
        sfn.Condition.jsonata(expression("$run.input.release.approval = 'manual'")),
        report,
        assign=_outcome(
            target,
            "awaiting-approval",
            f"release.approval is manual: approve the package, then set {PARAMETER} of {target.stack_name}",
        ),
    ).otherwise(deploy)

    enough = sfn.Choice.jsonata(scope, "Good enough?")
    enough.when(
        sfn.Condition.jsonata(expression("$evaluation.release.accepted")),
        register.next(approval),
    ).otherwise(
        sfn.Pass.jsonata(
            scope,
            "Reject model",
            assign=_outcome(target, "rejected", expression("$evaluation.release.reason")),
        ).next(report)
    )
    return sfn.Chain.start(enough)


def _outcome(target: Target, decision: str, reason: str) -> dict[str, object]:
    return {
        "decision": decision,
        "reason": reason,
        "endpoint": {"name": target.endpoint_name, "status": "unchanged"},
    }


def _register(scope: Construct, target: Target, failure: Failure) -> sfn.Chain:
    state = call_aws(
        scope,
        "Register",
        "sagemaker:createModelPackage",
        [target.package_group_arn, target.package_arns],
        {
            "ModelPackageGroupName": target.package_group,
            "ModelPackageDescription": expression("$training.architecture & ' trained on dataset ' & $dataset.id"),
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": target.serving_image,
                        "ModelDataUrl": expression("$training.modelArtifact"),
                        # The endpoint computes in the format that was evaluated.
                        "Environment": {"STOCKTAKE_PRECISION": expression("$evaluation.precision")},
                    }
                ],
                "SupportedContentTypes": CONTENT_TYPES,
                "SupportedResponseMIMETypes": RESPONSE_TYPES,
                "SupportedRealtimeInferenceInstanceTypes": [target.serving_instance_type],
            },
            "ModelApprovalStatus": expression(
                "$run.input.release.approval = 'automatic' ? 'Approved' : 'PendingManualApproval'"
            ),
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": expression("$run.report.uri & '/metrics.json'"),
                    }
                }
            },
            "CustomerMetadataProperties": properties(target.code_hash),
        },
        assign={"package": expression("$states.result.ModelPackageArn")},
        wildcard=_NUMBERED,
    )
    return sfn.Chain.start(failure.catch(state))


def _deploy(
    scope: Construct, target: Target, smoke_test: lambda_.IFunction, report: sfn.IChainable, failure: Failure
) -> sfn.Chain:
    this_stack = {"StackName": target.stack_name}
    stack = "$states.result.Stacks[0]"

    def call(
        name: str,
        action: str,
        resource: str,
        parameters: Mapping[str, object],
        assign: Mapping[str, object],
        wildcard: str | None = None,
    ) -> tasks.CallAwsService:
        state = call_aws(scope, name, action, [resource], parameters, assign=assign, wildcard=wildcard)
        return failure.catch(state)

    before = call(
        "Read endpoint stack",
        "cloudformation:describeStacks",
        target.stack_arn,
        this_stack,
        {
            "previous": expression(
                f"{stack}.Parameters[ParameterKey = '{PARAMETER}'].ParameterValue & ''",
            ),
            "wanted": expression("$package"),
            "stackReason": NULL,
        },
        _STACK_ID,
    )
    update = call(
        "Update endpoint stack",
        "cloudformation:updateStack",
        target.stack_arn,
        this_stack
        | {
            "UsePreviousTemplate": True,
            "Capabilities": ["CAPABILITY_IAM"],
            "RoleARN": target.update_role_arn,
            "Parameters": [{"ParameterKey": PARAMETER, "ParameterValue": expression("$wanted")}],
        },
        {},
        _STACK_ID,
    )
    wait = sfn.Wait.jsonata(
        scope,
        "Wait for endpoint stack",
        time=sfn.WaitTime.duration(Duration.seconds(target.poll_seconds)),
    )
    look = call(
        "Describe endpoint stack",
        "cloudformation:describeStacks",
        target.stack_arn,
        this_stack,
        {
            "stackStatus": expression(f"{stack}.StackStatus"),
            # Told while the stack rolls back, and gone from its final status.
            "stackReason": expression(f"$exists({stack}.StackStatusReason) ? {stack}.StackStatusReason : $stackReason"),
        },
        _STACK_ID,
    )
    status = call(
        "Describe endpoint",
        "sagemaker:describeEndpoint",
        target.endpoint_arn,
        {"EndpointName": target.endpoint_name},
        {
            "endpoint": {
                "name": expression("$states.result.EndpointName"),
                "status": expression("$states.result.EndpointStatus"),
            },
            "decision": "deployed",
        },
    )
    # Its cause is kept while the previous model is put back, and ends the execution afterwards.
    test = invoke(
        scope,
        "Smoke test",
        smoke_test,
        sfn.TaskInput.from_object(
            {
                "endpoint": expression("$endpoint.name"),
                "package": expression("$package"),
                "report": expression("$run.report"),
            }
        ),
        assign={"smokeTest": expression("$states.result.Payload")},
        outputs={},
    )
    withdraw = call(
        "Withdraw package",
        "sagemaker:updateModelPackage",
        target.package_arns,
        {
            "ModelPackageArn": expression("$package"),
            "ModelApprovalStatus": "Rejected",
            "ApprovalDescription": expression("$substring($failure.cause, 0, 1024)"),
        },
        {"wanted": expression("$previous"), "stackReason": NULL},
        _NUMBERED,
    )
    smoke_failed = failure.of("Smoke test", "$states.errorOutput.Error", SENTENCE)
    catch_everything(test, withdraw, assign=smoke_failed, outputs={})
    withdraw.next(update)

    settled = sfn.Choice.jsonata(scope, "Endpoint stack settled?")
    settled.when(sfn.Condition.jsonata(expression("$contains($stackStatus, /_IN_PROGRESS$/)")), wait)
    settled.when(sfn.Condition.jsonata(expression("$stackStatus = 'UPDATE_COMPLETE' and $wanted = $package")), status)
    settled.when(
        sfn.Condition.jsonata(expression("$stackStatus = 'UPDATE_COMPLETE'")),
        failure.start,  # rolled back after the smoke test; `failure` says why
    )
    settled.otherwise(
        sfn.Pass.jsonata(
            scope,
            "Endpoint stack failed",
            assign=failure.of(
                "Deploy",
                "'DeployFailed'",
                f"'stack {target.stack_name} ended in ' & $stackStatus & "
                "($stackReason != null ? ': ' & $stackReason : '') & "
                "($failure != null ? '; before that, ' & $failure.state & ': ' & $failure.cause : '')",
            ),
        ).next(failure.start)
    )
    before.next(update).next(wait).next(look).next(settled)
    status.next(test).next(report)
    return sfn.Chain.start(before)
