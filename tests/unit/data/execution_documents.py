"""Small documents of an execution, as the states and the jobs leave them."""

import dataclasses
from typing import Any

from execution_report.told import Told
from run import contract

NAME = "nightly-7"
ARN = f"arn:aws:states:eu-west-1:123456789012:execution:stocktake:{NAME}"
PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/stocktake/7"
CHAMPION = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/stocktake/6"
EXECUTION = {"id": ARN, "start": "2026-11-28T12:00:00.000Z", "given": '{"seed": 5}'}

CARD: dict[str, Any] = {
    "id": "0123456789abcdef",
    "uri": "s3://data/datasets/0123456789abcdef",
    "source": {"uri": "s3://aft-vbi-pds"},
    "counts": {"train": {"1": 700, "2": 650}, "valid": {"1": 40, "2": 41}, "test": {"1": 39, "2": 38}},
    "rejected": {"not a JPEG or PNG image": {"count": 3, "examples": ["00092"]}},
    "groups": {"1": 1200, "2": 100, "3": 8},
    "leak": {"asBuilt": {"test": 77, "seenInTraining": 0}, "byImage": {"test": 77, "seenInTraining": 12}},
    "copies": {"photos": 1, "bins": 7, "photosWithDifferentCounts": 1, "examples": []},
    "wrongLabels": {"count": 2, "examples": ["00012", "00031"]},
}
METRICS: dict[str, Any] = {
    "accuracy": 0.6234,
    "interval": [0.5117, 0.7258],
    "withinOne": 0.9871,
    "mae": 0.4449,
    "rmse": 0.5938,
    "images": 77,
    "majorityAccuracy": 0.5065,
    "recall": {"1": 0.7, "2": 0.5},
    "confusion": [[27, 12], [19, 19]],
    "champion": {"packageArn": CHAMPION, "comparable": False, "reason": "it counts otherwise", "leftOut": None},
    "release": {"accepted": True, "reason": "all checks passed", "checks": []},
}
COMPARISON = [
    {"architecture": name, "validationAccuracy": accuracy, "trainingSeconds": 120, "jobName": f"stocktake-comp-{name}"}
    for name, accuracy in (("resnet50", 0.31), ("resnet101", 0.33))
]
TUNING = {
    "jobName": "stocktake-tune-0",
    "bestHyperparameters": {"learningRate": 0.0012, "batchSize": 64, "epochs": 14},
    "objective": 0.41,
    "objectiveMetric": "validation:accuracy",
    "trials": 10,
}
TRAINING = {
    "jobName": "stocktake-train-0",
    "architecture": "resnet101",
    "instanceCount": 1,
    "spot": True,
    "trainingSeconds": 300,
    "billableSeconds": 90,
    "modelArtifact": "s3://data/models/stocktake-train-0/output/model.tar.gz",
}
SECONDS = {"trainingSeconds": 1540, "billableSeconds": 460, "featuresSeconds": 600, "evaluationSeconds": 80}
RUN = {"input": contract.complete({"seed": 5}).to_json()}


def deployed(**changes: Any) -> Told:
    """An execution that has deployed a model."""
    output = {
        "dataset": {"id": CARD["id"]},
        "comparison": COMPARISON,
        "tuning": TUNING,
        "training": TRAINING,
        "decision": "deployed",
        "reason": "accuracy 62.3% is at least 30.0%",
        "model": {"packageArn": PACKAGE},
        "endpoint": {"name": "stocktake", "status": "InService"},
        "cost": SECONDS,
    }
    told = Told(EXECUTION, RUN, output, None, CARD, METRICS, None, {"accuracy": "<section>as drawn</section>"})
    return dataclasses.replace(told, **changes)


def rejected(**changes: Any) -> Told:
    """One whose model was not good enough."""
    output = deployed().output | {
        "decision": "rejected",
        "reason": "accuracy 62.3% is below 80.0%",
        "model": {"packageArn": None},
        "endpoint": {"name": "stocktake", "status": "unchanged"},
    }
    return deployed(output=output, **changes)


def failed(state: str, error: str, cause: str, *known: str, **changes: Any) -> Told:
    """One that failed; `known` are the parts of the output that it had reached."""
    whole = deployed().output | {"champion": {"packageArn": CHAMPION}}
    parts = ("dataset", "comparison", "tuning", "training", "champion")
    output: dict[str, Any] = {name: whole[name] if name in known else None for name in parts}
    output |= {"model": {"packageArn": None}, "cost": dict.fromkeys(SECONDS, 0)}
    changes = {"card": None, "metrics": None, "sections": {}} | changes
    return deployed(output=output, failure={"state": state, "error": error, "cause": cause}, **changes)
