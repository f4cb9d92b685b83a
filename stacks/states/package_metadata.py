"""What the registry is told of a model package: where the model comes from and how well it counts."""

from stacks.states.jsonata import expression, object_of
from stacks.states.tags import REFUSED


def properties(code_hash: str) -> str:
    """JSONata for CustomerMetadataProperties: at most 50 texts of 256 characters.

    Parameters
    ----------
    code_hash
        The training code's asset hash.
    """
    recipe, champion = "$run.input", "$evaluation.champion"
    lineage = {
        "execution": "$states.context.Execution.Name",
        "dataset": "$dataset.id",
        "code": f"'{code_hash}'",
        "trainingJob": "$training.jobName",
        "architecture": "$training.architecture",
        "recipe": f"{recipe}.recipe",
        "weights": f"{recipe}.weights",
        "trainable": f"{recipe}.trainable",
        "loss": f"{recipe}.loss",
        "learningRate": "$hyperparameters.learningRate",
        "batchSize": "$hyperparameters.batchSize",
        "epochs": "$hyperparameters.epochs",
        "seed": f"{recipe}.seed",
        "tuningJob": "$tuning.jobName",
    }
    figures = {
        "precision": "$evaluation.precision",
        "images": "$evaluation.images",
        "accuracy": "$evaluation.accuracy",
        "accuracyLow": "$evaluation.interval[0]",
        "accuracyHigh": "$evaluation.interval[1]",
        "majorityAccuracy": "$evaluation.majorityAccuracy",
        "withinOne": "$evaluation.withinOne",
        "mae": "$evaluation.mae",
        "rmse": "$evaluation.rmse",
    }
    compared = {
        "champion": f"{champion}.packageArn",
        "championImages": f"{champion}.images",
        "championAccuracy": f"{champion}.champion.accuracy",
        "championDifference": f"{champion}.difference.accuracy.estimate",
        "championDifferenceLow": f"{champion}.difference.accuracy.interval[0]",
        "championDifferenceHigh": f"{champion}.difference.accuracy.interval[1]",
        "championPValue": f"{champion}.mcnemar.pValue",
    }
    # Fields without a value are left out by JSONata itself; null is a value.
    known = f"$sift({object_of(lineage | figures | compared)}, function($value) {{ $value != null }})"
    text = f"$substring($replace($string($value), {REFUSED}, '_'), 0, 256)"
    return expression(f"$merge($each({known}, function($value, $name) {{ {{$name: {text}}} }}))")
