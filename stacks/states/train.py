"""Train: one SageMaker job an architecture, side by side; the best on the validation split goes on."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure
from stacks.states.jsonata import SPOT, expression
from stacks.states.retries import retry_job

METRICS = ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")


def train(
    scope: Construct, role: iam.IRole, job_arns: str, code_uri: str, data_bucket: s3.IBucket, failure: Failure
) -> sfn.Chain:
    """Assigns `candidates` (every job) and `training` (the best by validation accuracy)."""
    job = sfn.CustomState(
        scope,
        "Train architecture",
        state_json={
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": _training_job(role, code_uri, data_bucket),
            "Output": {
                "architecture": expression("$states.input.architecture"),
                "jobName": expression("$states.result.TrainingJobName"),
            },
        },
    )
    retry_job(job)
    # What `.sync` returns is not written down; what DescribeTrainingJob returns is.
    described = call_aws(
        scope,
        "Describe training",
        "sagemaker:describeTrainingJob",
        [job_arns],
        {"TrainingJobName": expression("$states.input.jobName")},
        outputs={
            "architecture": expression("$states.input.architecture"),
            "jobName": expression("$states.result.TrainingJobName"),
            "modelArtifact": expression("$states.result.ModelArtifacts.S3ModelArtifacts"),
            "validationAccuracy": expression(
                "$states.result.FinalMetricDataList[MetricName = 'validation:accuracy'].Value"
            ),
            "instanceType": expression("$states.result.ResourceConfig.InstanceType"),
            "instanceCount": expression("$states.result.ResourceConfig.InstanceCount"),
            "spot": expression(SPOT),
            "trainingSeconds": expression("$states.result.TrainingTimeInSeconds"),
            "billableSeconds": expression("$states.result.BillableTimeInSeconds"),
            "savingsPercent": expression(
                "$round(100 * (1 - $states.result.BillableTimeInSeconds / $states.result.TrainingTimeInSeconds), 1)"
            ),
            "rules": {},
        },
    )
    each = sfn.Map.jsonata(
        scope,
        "Train",
        items=sfn.ProvideItems.jsonata(expression("$run.input.architectures")),
        item_selector={
            "architecture": expression("$states.context.Map.Item.Value"),
            "index": expression("$states.context.Map.Item.Index"),
        },
        max_concurrency=2,
        assign={
            "candidates": expression("$states.result"),
            "training": expression(
                "$sort($states.result, function($a, $b) { $a.validationAccuracy < $b.validationAccuracy })[0]"
            ),
        },
        outputs={},
    )
    each.item_processor(job.next(described))
    return sfn.Chain.start(failure.catch(each))


def _training_job(role: iam.IRole, code_uri: str, data_bucket: s3.IBucket) -> dict[str, object]:
    name = "$run.jobs.train & '-' & $string($states.input.index) & '-' & $string($states.context.State.RetryCount)"
    bucket = data_bucket.bucket_name
    folder = "$run.dataset.uri"
    return {
        "TrainingJobName": expression(name),
        "RoleArn": role.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": expression("$run.trainingImage"),
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": metric, "Regex": f"{metric}=([0-9.eE+-]+)"} for metric in METRICS],
        },
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": code_uri,
            "architecture": expression("$states.input.architecture"),
            "weights": expression(f"{_WEIGHTS_IN_S3} ? 'channel' : $run.input.weights"),
            "trainable": expression("$run.input.trainable"),
            "lr": expression("$string($run.input.hyperparameters.learningRate)"),
            "batch-size": expression("$string($run.input.hyperparameters.batchSize)"),
            "epochs": expression("$string($run.input.hyperparameters.epochs)"),
            "seed": expression("$string($run.input.seed)"),
            "image-size": expression("$string($run.input.dataset.imageSize)"),
            "labels": expression("$join($run.labels.$string(), ',')"),
        },
        "InputDataConfig": expression(
            f"""$append(
                [{_channel("train", f"{folder} & '/train/'")}, {_channel("valid", f"{folder} & '/valid/'")}],
                {_WEIGHTS_IN_S3} ? [{_channel("weights", "$run.input.weights")}] : []
            )"""
        ),
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models/"},
        "CheckpointConfig": {"S3Uri": expression(f"'s3://{bucket}/checkpoints/' & {name}")},
        "ResourceConfig": {
            "InstanceType": expression("$run.input.training.instanceType"),
            "InstanceCount": expression("$run.input.training.instanceCount"),
            "VolumeSizeInGB": 50,
        },
        "EnableManagedSpotTraining": expression(SPOT),
        "StoppingCondition": expression(
            f"""$merge([
                {{'MaxRuntimeInSeconds': $run.input.training.maxRunSeconds}},
                {SPOT} ? {{'MaxWaitTimeInSeconds': $run.input.training.maxWaitSeconds}} : {{}}
            ])"""
        ),
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "Tags": [{"Key": "stocktake:execution", "Value": expression("$states.context.Execution.Name")}],
    }


_WEIGHTS_IN_S3 = "($substring($run.input.weights, 0, 5) = 's3://')"


def _channel(name: str, uri: str) -> str:
    return (
        f"{{'ChannelName': '{name}', 'InputMode': 'File', 'DataSource': {{'S3DataSource': {{"
        f"'S3DataType': 'S3Prefix', 'S3DataDistributionType': 'FullyReplicated', 'S3Uri': {uri}}}}}}}"
    )
