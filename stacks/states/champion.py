"""Read champion: which model serves, and which bins it was made from."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.endpoint.stack import PARAMETER
from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure
from stacks.states.integration import integration
from stacks.states.jsonata import expression
from stacks.states.retries import retry_call
from stacks.states.target import STACK_ID, Target

LIVE_PACKAGE = f"$states.result.Stacks[0].Parameters[ParameterKey = '{PARAMETER}'].ParameterValue & ''"
"""JSONata: the package that the endpoint's stack serves, from what DescribeStacks answers; empty if none."""


def read_champion(scope: Construct, target: Target, failure: Failure) -> sfn.Chain:
    """Assigns `champion`: null, or the `packageArn` that the endpoint's stack names, its `artifact` and its `bins`.

    `bins` is the list that its dataset keeps; null where there is none. Counts `evaluations`.
    """
    stack = call_aws(
        scope,
        "Read champion",
        "cloudformation:describeStacks",
        [target.stack_arn],
        {"StackName": target.stack_name},
        comment="Which model package the endpoint's stack serves.",
        assign={
            "champion": expression(
                f"""(
                    $package := {LIVE_PACKAGE};
                    $package = '' ? null : {{'packageArn': $package}}
                )"""
            ),
            "evaluations": expression("$evaluations + 1"),
        },
        wildcard=STACK_ID,
    )
    package = call_aws(
        scope,
        "Describe champion",
        "sagemaker:describeModelPackage",
        [target.package_arns],
        {"ModelPackageName": expression("$champion.packageArn")},
        assign={
            "champion": {
                "packageArn": expression("$champion.packageArn"),
                "artifact": expression("$states.result.InferenceSpecification.Containers[0].ModelDataUrl"),
                # What registered it by hand may not know its dataset.
                "list": expression("'datasets/' & $states.result.CustomerMetadataProperties.dataset & '/splits.json'"),
            }
        },
        wildcard="Which package of the group serves is known only while an execution runs.",
    )
    # The job's input has to be there: datasets of earlier versions have no list, and datasets get deleted. What the
    # machine may list it may for Register's sake; CDK would ask for it again.
    found = sfn.CustomState(
        scope,
        "Find champion bins",
        state_json={
            "Comment": "Bins that the champion has learned from are left out of the comparison.",
            "Type": "Task",
            "Resource": integration(scope, "aws-sdk:s3:listObjectsV2"),
            "Arguments": {
                "Bucket": expression("$run.dataset.bucket"),
                "Prefix": expression("$champion.list"),
                "MaxKeys": 1,
            },
            "Assign": {
                "champion": {
                    "packageArn": expression("$champion.packageArn"),
                    "artifact": expression("$champion.artifact"),
                    "bins": expression(
                        "$states.result.KeyCount = 1 ? 's3://' & $run.dataset.bucket & '/' & $champion.list : null"
                    ),
                }
            },
            "Output": {},
        },
    )
    retry_call(found)
    serves = sfn.Choice.jsonata(
        scope, "Champion serves?", comment="If a model serves, the new one is compared with it on the same photos."
    ).when(
        sfn.Condition.jsonata(expression("$champion != null")),
        failure.catch(package).next(failure.catch(found)),
    )
    return sfn.Chain.start(failure.catch(stack)).next(serves.afterwards(include_otherwise=True))
