"""Extract features: where only a head learns, the frozen network sees each image once, not in each epoch and trial."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks import OBJECT_KEYS
from stacks.settings import DeploymentSettings
from stacks.states.aws_call import call_aws
from stacks.states.ended import fail_on_problem, problem
from stacks.states.failure import Failure
from stacks.states.jsonata import expression
from stacks.states.processing_job import OUTPUT, SECONDS, describe_job, processing_job, source
from stacks.states.quota import wait_for_quota

_MISSING = "$run.candidates[features.ready = false]"
_SPLITS = ("train", "valid", "test")
_FIVE_DAYS = 432_000


def extract_features(
    scope: Construct,
    settings: DeploymentSettings,
    role: iam.IRole,
    job_arns: str,
    code_uri: str,
    data_bucket: s3.IBucket,
    failure: Failure,
) -> sfn.Chain:
    """A processing job for each candidate without features. Assigns `extracted` and `featuresSeconds`."""
    job = processing_job(
        scope,
        "Extract candidate",
        settings=settings,
        name="$run.jobs.features & '-' & $string($states.input.index)",
        role=role,
        image=expression("$run.featuresImage"),
        instance_type=expression("$run.input.training.instanceType"),
        # Processing jobs may run for five days, training jobs for longer.
        max_seconds=f"$min([$run.input.training.maxRunSeconds, {_FIVE_DAYS}])",
        code_uri=code_uri,
        script="extract_features.py",
        arguments=f"""[
            '--architecture', $states.input.architecture,
            '--weights', $states.input.weights = null ? 'none' : 'channel', '--weights-folder', 'input/weights',
            '--seed', $string($run.input.seed), '--image-size', $string($run.input.dataset.imageSize),
            '--input', 'input/dataset', '--output', '{OUTPUT}'
        ]""",
        inputs=f"""$append(
            [{", ".join(source(f"dataset/{split}", f"$run.dataset.uri & '/{split}/'") for split in _SPLITS)}],
            $states.input.weights = null ? [] : [{source("weights", "$states.input.weights")}]
        )""",
        output_uri="$states.input.features.uri",
        output={
            "jobName": expression("$states.result.ProcessingJobName"),
            "features": expression("$states.input.features"),
        },
    )
    described = describe_job(
        scope,
        "Describe extraction",
        job_arns,
        comment="How long the job ran, and whether it was stopped.",
        outputs={
            "jobName": expression("$states.input.jobName"),
            "features": expression("$states.input.features"),
            "seconds": expression(SECONDS),
            "problem": expression(problem()),
        },
    )
    # Last: whoever finds this finds all of them.
    marked = call_aws(
        scope,
        "Mark features",
        "s3:putObject",
        [data_bucket.arn_for_objects("features/*")],
        {
            "Bucket": expression("$states.input.features.bucket"),
            "Key": expression("$states.input.features.marker"),
            # The object itself: the integration makes JSON of it, and of a text one with quotes.
            "Body": {"jobName": expression("$states.input.jobName")},
            "ContentType": "application/json",
        },
        comment="Written last: who finds this marker finds all features.",
        outputs={"seconds": expression("$states.input.seconds")},
        wildcard=OBJECT_KEYS,
    )
    each = sfn.Map.jsonata(
        scope,
        "Extract features",
        comment="What the frozen network makes of each photo, once for all epochs and trials.",
        items=sfn.ProvideItems.jsonata(expression(f"[{_MISSING}]")),
        max_concurrency=2,
        assign={
            "extracted": expression(f"""(
                $missing := [{_MISSING}];
                [$map($states.result, function($result, $index) {{
                    {{'architecture': $missing[$index].architecture, 'seconds': $result.seconds}}
                }})]
            )"""),
            "featuresSeconds": expression("$sum($states.result.seconds)"),
        },
        outputs={},
    )
    done = fail_on_problem(scope, job.id)
    each.item_processor(wait_for_quota(scope, job).next(described).next(done.otherwise(marked)))
    return (
        sfn.Choice.jsonata(
            scope, "Features missing?", comment="Only where a head is trained; features are kept for later executions."
        )
        .when(sfn.Condition.jsonata(expression(f"$count({_MISSING}) > 0")), failure.catch(each))
        .afterwards(include_otherwise=True)
    )
