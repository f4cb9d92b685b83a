"""Evaluate: measure the trained model on the test split, which nothing before has looked at."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure
from stacks.states.jsonata import expression
from stacks.states.retries import retry_job

_HOME = "/opt/ml/processing"


def evaluate(
    scope: Construct,
    role: iam.IRole,
    job_arns: str,
    image: str,
    code_uri: str,
    instance_type: str,
    data_bucket: s3.IBucket,
    failure: Failure,
) -> sfn.Chain:
    """Assigns `evaluation`: the metrics of the report, and `evaluationSeconds`."""
    job = sfn.CustomState(
        scope,
        "Evaluate",
        state_json={
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Arguments": {
                "ProcessingJobName": expression("$run.jobs.evaluate & '-' & $string($states.context.State.RetryCount)"),
                "RoleArn": role.role_arn,
                "AppSpecification": {
                    "ImageUri": image,
                    "ContainerEntrypoint": ["/bin/bash", "-c"],
                    "ContainerArguments": [
                        # At most 256 characters. The output's path says where to leave a failure's message.
                        f"set -e; cd {_HOME}; mkdir code; tar -xzf input/code/*.gz -C code; exec python3 "
                        f"code/evaluate.py --model input/model --test input/test --output {_HOME}/output"
                    ],
                },
                "ProcessingInputs": [
                    _input("code", code_uri),
                    _input("model", expression("$training.modelArtifact")),
                    _input("test", expression("$run.dataset.uri & '/test/'")),
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "report",
                            "S3Output": {
                                "S3Uri": expression("$run.report.uri"),
                                "LocalPath": f"{_HOME}/output",
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ]
                },
                "ProcessingResources": {
                    "ClusterConfig": {
                        "InstanceCount": 1,
                        "InstanceType": instance_type,
                        "VolumeSizeInGB": 30,
                    }
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
                "Tags": [{"Key": "stocktake:execution", "Value": expression("$states.context.Execution.Name")}],
            },
            "Output": {"jobName": expression("$states.result.ProcessingJobName")},
        },
    )
    retry_job(job)
    # What `.sync` returns is not written down; what DescribeProcessingJob returns is.
    described = call_aws(
        scope,
        "Describe evaluation",
        "sagemaker:describeProcessingJob",
        [job_arns],
        {"ProcessingJobName": expression("$states.input.jobName")},
        assign={
            "evaluationSeconds": expression(
                "$round(($toMillis($states.result.ProcessingEndTime)"
                " - $toMillis($states.result.ProcessingStartTime)) / 1000)"
            )
        },
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
        assign={"evaluation": expression("$parse($states.result.Body)")},
    )
    return sfn.Chain.start(failure.catch(job)).next(failure.catch(described)).next(failure.catch(read))


def _input(name: str, uri: str) -> dict[str, object]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_HOME}/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }
