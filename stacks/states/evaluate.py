"""Evaluate: measure the trained model on the test split, which training has not looked at, beside the champion."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks import OBJECT_KEYS
from stacks.settings import DeploymentSettings
from stacks.states.aws_call import call_aws
from stacks.states.champion import read_champion
from stacks.states.ended import fail_on_problem, problem
from stacks.states.failure import Failure
from stacks.states.jsonata import expression, object_of
from stacks.states.processing_job import OUTPUT, SECONDS, describe_job, processing_job, source
from stacks.states.quota import wait_for_quota
from stacks.states.target import Target

RULE = ("minimumAccuracy", "aboveMajority", "margin", "minimumRecall")
"""Fields of `release` that the evaluation decides by."""

_RULE = f"$string({object_of({name: f'$run.input.release.{name}' for name in RULE})})"


def evaluate(
    scope: Construct,
    settings: DeploymentSettings,
    role: iam.IRole,
    job_arns: str,
    image: str,
    code_uri: str,
    data_bucket: s3.IBucket,
    target: Target,
    failure: Failure,
) -> sfn.Chain:
    """Assigns `evaluation`: the metrics of the report with the verdict in `release`; its `reason`; `evaluationSeconds`.

    The chain's first state may be entered again, to compare the model with a champion that came up meanwhile.
    """
    job = processing_job(
        scope,
        "Evaluate",
        comment="Measures the model on test photos, beside the champion, and decides by the rule of release.",
        settings=settings,
        name="$run.jobs.evaluate & '-' & $string($evaluations)",
        role=role,
        image=image,
        instance_type=settings.evaluation_type,
        max_seconds="7200",
        code_uri=code_uri,
        script="evaluate.py",
        # The output's path says where to leave a failure's message.
        arguments=f"""$append(
            ['--model', 'input/model', '--test', 'input/test', '--output', '{OUTPUT}', '--rule', {_RULE}],
            $append(
                $champion = null ? [] : [
                    '--champion', 'input/champion', '--champion-package', $champion.packageArn,
                    '--champion-bins', 'input/champion-bins'
                ],
                $tuning = null ? [] : ['--tuning', 'input/tuning']
            )
        )""",
        inputs=f"""$append(
            [{source("model", "$training.modelArtifact")}, {source("test", "$run.dataset.uri & '/test/'")}],
            $append(
                $champion = null ? [] : $append(
                    [{source("champion", "$champion.artifact")}],
                    $champion.bins = null ? [] : [{source("champion-bins", "$champion.bins")}]
                ),
                $tuning = null ? [] : [{source("tuning", "$run.report.uri & '/tuning/'")}]
            )
        )""",
        output_uri="$run.report.uri",
        output={"jobName": expression("$states.result.ProcessingJobName")},
    )
    described = describe_job(
        scope,
        "Describe evaluation",
        job_arns,
        assign={"evaluationSeconds": expression(f"$evaluationSeconds + {SECONDS}")},
        outputs={"problem": expression(problem())},
    )
    read = call_aws(
        scope,
        "Read evaluation",
        "s3:getObject",
        [data_bucket.arn_for_objects("reports/*")],
        {
            "Bucket": expression("$run.report.bucket"),
            "Key": expression("$run.report.prefix & '/metrics.json'"),
        },
        comment="The metrics, with the decision by the rule of release.",
        assign={
            "evaluation": expression("$parse($states.result.Body)"),
            "reason": expression("$parse($states.result.Body).release.reason"),
        },
        wildcard=OBJECT_KEYS,
    )
    return (
        read_champion(scope, target, failure)
        .next(failure.catch(wait_for_quota(scope, job, failure)))
        .next(failure.catch(described))
        .next(fail_on_problem(scope, job.id, failure).otherwise(failure.catch(read)).afterwards())
    )
