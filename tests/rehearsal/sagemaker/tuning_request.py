"""CreateHyperParameterTuningJob requests for tests."""

from __future__ import annotations

import itertools
from typing import Any

from tests.rehearsal.emulator import PATIENCE, ROLE
from tests.rehearsal.sagemaker.bucket import Bucket

_numbers = itertools.count()


def tuning_request(
    bucket: Bucket, script: str, *, jobs: int, parallel: int = 2, strategy: str = "Random", **config: Any
) -> dict[str, Any]:
    """A request for trials of a script whose objective is printed as ``objective=0.5``; ``config`` adds to it."""
    name = f"tuning-{next(_numbers)}"
    code = bucket.put_archive(f"code/{name}.tar.gz", {"hpo.py": script})
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "objective"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "1.0"}],
                "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ['"32"', '"64"']}],
            },
            "RandomSeed": 2,
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "sagemaker_program": "hpo.py",
                "sagemaker_submit_directory": code,
                "architecture": "resnet18",
            },
            "AlgorithmSpecification": {
                "TrainingImage": "pytorch",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "objective", "Regex": "objective=([0-9.]+)"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://data/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": int(PATIENCE)},
        },
    }
