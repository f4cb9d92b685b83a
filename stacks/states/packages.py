"""Packages that were there before: one that is promoted by the input, and the one to go back to.

Each package's metadata has what it `replaced`; following that from package to package leads back through what was
served. Only an approved package is put behind the endpoint.
"""

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.checks import OBJECT_KEYS
from stacks.states.aws_call import call_aws
from stacks.states.deploy import Deploy
from stacks.states.failure import Failure
from stacks.states.jsonata import expression
from stacks.states.target import NUMBERED, Target

_GIVEN = "$run.input.release.package"
_EMPTY, _NOTHING = expression("''"), expression("[]")  # AWS's own validator takes no empty constant
_NONE_LEFT = "$candidate in ['', 'none'] or $candidate in $seen"
_GOOD = "$found.approved and $candidate != $leaving"

PROMOTE = {"candidate": expression(_GIVEN), "leaving": _EMPTY, "seen": _NOTHING}
"""What to assign on the way to `find_package` for the package that the input names,"""
ROLL_BACK = {"candidate": expression("$previous"), "leaving": expression("$previous"), "seen": _NOTHING}
"""for the one before that which is served,"""
TAKE_BACK = {"candidate": expression("$previous"), "leaving": expression("$package"), "seen": _NOTHING}
"""and for the one to serve again after `package` failed."""


def find_package(
    scope: Construct, target: Target, data_bucket: s3.IBucket, deploy: Deploy, failure: Failure
) -> sfn.Choice:
    """Follow `candidate`; deploy what is found, with `package` and its own `evaluation` assigned, or take it back."""
    back = sfn.Choice.jsonata(
        scope, "Package left to look at?", comment="Follows from package to package what each replaced."
    )
    look = call_aws(
        scope,
        "Look at package",
        "sagemaker:describeModelPackage",
        [target.package_arns],
        {"ModelPackageName": expression("$candidate")},
        comment="Whether it is approved, and what it replaced.",
        assign={
            "seen": expression("$append($seen, [$candidate])"),
            "found": {
                "approved": expression("$states.result.ModelApprovalStatus = 'Approved'"),
                "replaced": expression("$states.result.CustomerMetadataProperties.replaced & ''"),
                "metrics": expression("$states.result.ModelMetrics.ModelQuality.Statistics.S3Uri & ''"),
            },
        },
        wildcard=NUMBERED,
    )
    further = sfn.Pass.jsonata(
        scope,
        "Look further back",
        comment="To the package that this one replaced.",
        assign={"candidate": expression("$found.replaced")},
    )
    evaluation = _read_evaluation(scope, data_bucket, failure)

    def fail(error: str, cause: str) -> dict[str, object]:
        return failure.of("Look at package", f"'{error}'", cause)

    back.when(
        sfn.Condition.jsonata(expression(f"({_NONE_LEFT}) and $failure = null")),
        failure.start,
        assign=fail(
            "NothingToGoBackTo",
            "'no approved package was served before ' & ($leaving = '' ? 'and none is now' : $leaving)",
        ),
    )
    back.when(
        sfn.Condition.jsonata(expression(_NONE_LEFT)),
        deploy.update,
        assign={
            "wanted": _EMPTY,
            "failure": expression(
                "$merge([$failure, {'cause': $failure.cause & '; no approved package was served before it, so the "
                "endpoint is switched off'}])"
            ),
        },
    ).otherwise(failure.catch(look))

    usable = sfn.Choice.jsonata(scope, "Package to go back to?", comment="Approved, and another than the one to leave.")
    usable.when(
        sfn.Condition.jsonata(expression(f"{_GOOD} and $failure != null")),
        deploy.update,
        assign={"wanted": expression("$candidate")},
    )
    usable.when(
        sfn.Condition.jsonata(expression(f"{_GOOD} and $found.metrics = ''")),
        failure.start,
        assign=fail("NotEvaluated", "'package ' & $candidate & ' names no evaluation to try the endpoint with'"),
    )
    usable.when(
        sfn.Condition.jsonata(expression(_GOOD)),
        evaluation,
        assign={
            "package": expression("$candidate"),
            "wanted": expression("$candidate"),
            "reason": expression(f"'release.package: ' & {_GIVEN}"),
            "run": expression("""(
                $uri := $substringBefore($found.metrics, '/metrics.json');
                $bucket := $substringBefore($substringAfter($uri, 's3://'), '/');
                $merge([$run, {'report': {
                    'uri': $uri, 'bucket': $bucket, 'prefix': $substringAfter($uri, $bucket & '/')
                }}])
            )"""),
        },
    )
    usable.when(
        sfn.Condition.jsonata(expression(f"{_GIVEN} = $candidate and $failure = null")),
        failure.start,
        assign=fail("NotApproved", "'package ' & $candidate & ' is not approved'"),
    ).otherwise(further)
    look.next(usable)
    further.next(back)

    serving = sfn.Choice.jsonata(scope, "Package to deploy?", comment="One that serves already is only looked at.")
    serving.when(sfn.Condition.jsonata(expression("$previous = $package")), deploy.verify)
    # What it once replaced stays noted, so that going back twice goes further back.
    serving.when(sfn.Condition.jsonata(expression(f"{_GIVEN} = 'previous'")), deploy.update).otherwise(deploy.start)
    evaluation.next(serving)
    return back


def _read_evaluation(scope: Construct, data_bucket: s3.IBucket, failure: Failure) -> tasks.CallAwsService:
    read = call_aws(
        scope,
        "Read its evaluation",
        "s3:getObject",
        [data_bucket.arn_for_objects("reports/*")],
        {"Bucket": expression("$run.report.bucket"), "Key": expression("$run.report.prefix & '/metrics.json'")},
        comment="What the smoke test compares the answers with.",
        assign={"evaluation": expression("$parse($states.result.Body)")},
        wildcard=OBJECT_KEYS,
    )
    return failure.catch(read)
