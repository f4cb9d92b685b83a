"""What every processing job of ours shares: instances that unpack the training code and run one of its scripts."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.checks import JOB_NAMES
from stacks.company.encryption import output_key, with_volume_key
from stacks.company.network import job_network
from stacks.settings import DeploymentSettings
from stacks.states.aws_call import call_aws
from stacks.states.integration import integration
from stacks.states.jsonata import expression
from stacks.states.quota import ATTEMPT
from stacks.states.retries import retry_job
from stacks.states.tags import tags

OUTPUT = "/opt/ml/processing/output"
"""The folder whose content goes to the job's output. Scripts start in the one above; theirs are input/<name>."""

SECONDS = """(
    $start := $states.result.ProcessingStartTime;
    $end := $states.result.ProcessingEndTime;
    $exists($start) and $exists($end) ? $round(($toMillis($end) - $toMillis($start)) / 1000) : 0
)"""
"""How long a job ran, from what DescribeProcessingJob returns; what `.sync` returns is not written down."""


def processing_job(
    scope: Construct,
    state: str,
    *,
    settings: DeploymentSettings,
    name: str,
    role: iam.IRole,
    image: str,
    instance_type: str,
    max_seconds: str,
    code_uri: str,
    script: str,
    arguments: str,
    inputs: str,
    output_uri: str,
    output: Mapping[str, Any],
    comment: str | None = None,
    instance_count: int | str = 1,
    isolated: bool = True,
) -> sfn.CustomState:
    """State that runs a script of the training code to its end.

    Parameters
    ----------
    name, max_seconds, arguments, inputs, output_uri
        JSONata: a name that no attempt before has used, a number, an array of strings, an array of what `source`
        gives, and where in S3 the script's output goes.
    output
        The state's output.
    isolated
        Scripts read and write folders, and SageMaker moves what is in them; only one that reads S3 itself needs more.
    """
    code = source("code", f"'{code_uri}'")
    # An argument is at most 256 characters, so each is one of its own; what follows the program is its name, $0.
    start = "set -e; cd /opt/ml/processing; mkdir code; tar -xzf input/code/*.gz -C code; exec python3 code/"
    job = sfn.CustomState(
        scope,
        state,
        state_json={
            "Type": "Task",
            "Resource": integration(scope, "sagemaker:createProcessingJob.sync"),
            "Arguments": {
                "ProcessingJobName": expression(f"{name} & '-' & {ATTEMPT}"),
                "RoleArn": role.role_arn,
                "AppSpecification": {
                    "ImageUri": image,
                    "ContainerEntrypoint": ["/bin/bash", "-c", f'{start}{script} "$@"', script],
                    "ContainerArguments": expression(arguments),
                },
                "ProcessingInputs": expression(f"$append([{code}], {inputs})"),
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "output",
                            "S3Output": {
                                "S3Uri": expression(output_uri),
                                "LocalPath": OUTPUT,
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ],
                    **output_key(settings),
                },
                "ProcessingResources": {
                    "ClusterConfig": with_volume_key(
                        settings, {"InstanceCount": instance_count, "InstanceType": instance_type, "VolumeSizeInGB": 30}
                    )
                },
                "NetworkConfig": {"EnableNetworkIsolation": isolated, **job_network(settings)},
                **({} if isolated else {"Environment": {"AWS_DEFAULT_REGION": Stack.of(scope).region}}),
                "StoppingCondition": {"MaxRuntimeInSeconds": expression(max_seconds)},
                "Tags": tags(settings),
            },
            "Output": dict(output),
            **({"Comment": comment} if comment else {}),
        },
    )
    retry_job(job)
    return job


def describe_job(scope: Construct, name: str, job_arns: str, **options: Any) -> tasks.CallAwsService:
    """State that describes the job whose `jobName` is in its input, as `.sync` does not say how long it ran."""
    return call_aws(
        scope,
        name,
        "sagemaker:describeProcessingJob",
        [job_arns],
        {"ProcessingJobName": expression("$states.input.jobName")},
        wildcard=JOB_NAMES,
        **options,
    )


def source(name: str, uri: str) -> str:
    """JSONata for a processing input: what lies below `uri`, a JSONata string, as the folder input/<name>."""
    return (
        f"{{'InputName': '{name.replace('/', '-')}', 'S3Input': {{'S3Uri': {uri}, "
        f"'LocalPath': '/opt/ml/processing/input/{name}', 'S3DataType': 'S3Prefix', 'S3InputMode': 'File', "
        "'S3DataDistributionType': 'FullyReplicated'}}"
    )
