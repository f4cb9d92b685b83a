"""What training jobs and tuning's trials share: recipe, data, metrics, instances."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_iam as iam

from stacks.company.encryption import output_key, with_volume_key
from stacks.company.network import job_network
from stacks.settings import DeploymentSettings
from stacks.states.jsonata import SPOT, expression, object_of
from stacks.states.quota import ATTEMPT
from stacks.states.tags import tags

METRICS = ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy", "test:accuracy")
RULES = (
    "vanishing_gradient",
    "overfit",
    "overtraining",
    "poor_weight_initialization",
    "loss_not_decreasing",
    "low_gpu_utilization",
    "low_cpu_utilization",
)
"""Faults of a training that its own code looks for; each prints a number, so a status comes as a metric."""

_STATUSES = "['NoIssuesFound', 'IssuesFound', 'Error']"
_DEBUGGING = "$run.input.debugging"


# A job that never got its instances has neither.
TRAINING_SECONDS = "$sum([0, $states.result.TrainingTimeInSeconds])"
BILLABLE_SECONDS = "$sum([0, $states.result.BillableTimeInSeconds])"
"""JSONata for what a described training job took."""


@dataclass(frozen=True)
class TrainingSetup:
    """What of the deployment every training job and trial uses.

    Attributes
    ----------
    job_arns
        Pattern of the ARNs that its training jobs have.
    managed_debugger
        Fields of CreateTrainingJob that attach SageMaker's own Debugger; empty without it.
    """

    role: iam.IRole
    job_arns: str
    code_uri: str
    bucket: str
    managed_debugger: Mapping[str, Any]
    settings: DeploymentSettings


def training_job(setup: TrainingSetup, name: str, candidate: str) -> dict[str, Any]:
    """Arguments of CreateTrainingJob.

    Parameters
    ----------
    name, candidate
        JSONata: a name that no attempt before has used, and one of `$run.candidates`.
    """
    values = recipe(setup, candidate, "train.py") | {
        "lr": "$string($hyperparameters.learningRate)",
        "batch-size": "$string($hyperparameters.batchSize)",
        "epochs": "$string($hyperparameters.epochs)",
        "label-noise-folds": "$string($sum([0, $run.input.training.labelNoiseFolds[$ != null]]))",
        "debug-interval": f"{_DEBUGGING}.enabled ? $string({_DEBUGGING}.saveInterval) : '0'",
        "trace": f"$string({_DEBUGGING}.enabled and {_DEBUGGING}.trace)",
    }
    unique = f"{name} & '-' & {ATTEMPT}"
    return {
        "TrainingJobName": expression(unique),
        "HyperParameters": {parameter: expression(value) for parameter, value in values.items()},
        "InputDataConfig": expression(channels(candidate)),
        "OutputDataConfig": {"S3OutputPath": f"s3://{setup.bucket}/models/", **output_key(setup.settings)},
        "CheckpointConfig": {"S3Uri": expression(f"'s3://{setup.bucket}/checkpoints/' & {unique}")},
        "Tags": tags(setup.settings),
        **definition(setup),
        **setup.managed_debugger,
    }


def definition(setup: TrainingSetup) -> dict[str, Any]:
    """Fields that CreateTrainingJob and the definition of a tuning job's trials have in common."""
    return {
        "RoleArn": setup.role.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": expression("$run.trainingImage"),
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": metric, "Regex": f"{metric}=([0-9.eE+-]+)"}
                for metric in (*METRICS, *(f"rule:{rule}" for rule in RULES))
            ],
        },
        "ResourceConfig": with_volume_key(
            setup.settings,
            {
                "InstanceType": expression("$run.trainingInstanceType"),
                "InstanceCount": expression("$run.input.training.instanceCount"),
                "VolumeSizeInGB": 50,
            },
        ),
        **job_network(setup.settings),
        "EnableManagedSpotTraining": expression(SPOT),
        "StoppingCondition": expression(
            f"""$merge([
                {{'MaxRuntimeInSeconds': $run.input.training.maxRunSeconds}},
                {SPOT} ? {{'MaxWaitTimeInSeconds': $run.input.training.maxWaitSeconds}} : {{}}
            ])"""
        ),
    }


def recipe(setup: TrainingSetup, candidate: str, program: str) -> dict[str, str]:
    """JSONata for each hyperparameter that tuning does not search."""
    return {
        "sagemaker_program": f"'{program}'",
        "sagemaker_submit_directory": f"'{setup.code_uri}'",
        "sagemaker_torch_distributed_enabled": "$string($run.distributed)",
        "recipe": "$run.input.recipe",
        "architecture": f"{candidate}.architecture",
        "weights": f"{candidate}.weights = null ? 'none' : 'channel'",
        "trainable": "$run.input.trainable",
        "loss": "$run.input.loss",
        "seed": "$string($run.input.seed)",
        "image-size": "$string($run.input.dataset.imageSize)",
        "labels": "$join($run.labels.$string(), ',')",
    }


def channels(candidate: str, test: str = "false") -> str:
    """JSONata for the input: a candidate's features where it has some, else images; and its weights.

    Of images with other counts than the labels learns the recipe fine-tuning only.

    Parameters
    ----------
    test
        JSONata: whether the test split is among them.
    """
    folder = f"({candidate}.features = null ? $run.dataset.uri : {candidate}.features.uri)"
    sharded = "$run.input.training.sharded ? 'ShardedByS3Key' : 'FullyReplicated'"
    uncounted = "$run.input.recipe = 'fine-tuning' and $dataset.uncounted > 0"
    return f"""(
        $folder := {folder};
        $append(
            $append(
                [{_channel("train", "$folder & '/train/'", sharded)}, {_channel("valid", "$folder & '/valid/'")}],
                {uncounted} ? [{_channel("uncounted", "$folder & '/uncounted/'", sharded)}] : []
            ),
            $append(
                {test} ? [{_channel("test", "$folder & '/test/'")}] : [],
                {candidate}.weights = null ? [] : [{_channel("weights", f"{candidate}.weights")}]
            )
        )
    )"""


def described(candidate: str) -> dict[str, str]:
    """What is kept of DescribeTrainingJob's answer; what `.sync` returns is not written down."""
    found = "$states.result"
    return {
        "architecture": expression(f"{candidate}.architecture"),
        "jobName": expression(f"{found}.TrainingJobName"),
        "modelArtifact": _or_null(f"{found}.ModelArtifacts.S3ModelArtifacts"),
        "validationAccuracy": _or_null(f"{found}.FinalMetricDataList[MetricName = 'validation:accuracy'].Value"),
        "instanceType": expression(f"{found}.ResourceConfig.InstanceType"),
        "instanceCount": expression(f"{found}.ResourceConfig.InstanceCount"),
        "spot": expression(SPOT),
        "trainingSeconds": expression(TRAINING_SECONDS),
        "billableSeconds": expression(BILLABLE_SECONDS),
        "savingsPercent": expression(
            f"{TRAINING_SECONDS} > 0 ? $round(100 * (1 - {BILLABLE_SECONDS} / {TRAINING_SECONDS}), 1) : 0"
        ),
        "rules": expression(object_of({rule: _status(rule) for rule in RULES})),
    }


def _or_null(found: str) -> str:
    return expression(f"$exists({found}) ? {found} : null")


def _status(rule: str) -> str:
    return f"""(
        $value := $states.result.FinalMetricDataList[MetricName = 'rule:{rule}'].Value;
        {_DEBUGGING}.enabled and $exists($value) ? {_STATUSES}[$value] : 'NotEvaluated'
    )"""


def _channel(name: str, uri: str, distribution: str = "'FullyReplicated'") -> str:
    return (
        f"{{'ChannelName': '{name}', 'InputMode': 'File', 'DataSource': {{'S3DataSource': {{"
        f"'S3DataType': 'S3Prefix', 'S3DataDistributionType': {distribution}, 'S3Uri': {uri}}}}}}}"
    )
