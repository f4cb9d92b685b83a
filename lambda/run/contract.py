"""The contract of an execution's input: fields, defaults, limits, and a sentence for each fault.

Every field is optional. What the caller leaves out comes from the deployment's defaults, what those leave out from the
recipe's preset, and the rest from the defaults below. Where it is the caller that chooses another recipe than the
deployment, its preset comes before the deployment's defaults. Names are camelCase in JSON and snake_case in Python.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from run.dataset_part import Dataset as Dataset
from run.dataset_part import Split as Split
from run.imagenet import EDITIONS
from run.part import BUCKET, Part
from run.recipes import preset
from run.sentences import CONTRADICTION
from run.validation import TOO_DEEP, an_object, validated
from run.validation import InvalidInput as InvalidInput

Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2"]


def _ascending(values: list[float]) -> list[float]:
    if values != sorted(set(values)):
        raise ValueError("not ascending")
    return values


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("a value twice")
    return values


LearningRate = Annotated[float, Field(gt=0, le=10, description="a number greater than 0 and at most 10")]
BatchSize = Annotated[int, Field(ge=1, le=4096, description="an integer from 1 to 4096")]
Epochs = Annotated[int, Field(ge=1, le=1000, description="an integer from 1 to 1000")]
_INSTANCE_TYPE = r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$"
Seconds = Annotated[int, Field(ge=1, le=2_419_200, description="an integer from 1 to 2419200 (28 days)")]


class Hyperparameters(Part):
    """Values that architectures are compared at, and that are used when nothing is tuned."""

    learning_rate: LearningRate = 0.0005
    batch_size: BatchSize = 128
    epochs: Epochs = 5


class Ranges(Part):
    """What tuning may try."""

    learning_rate: Annotated[list[LearningRate], AfterValidator(_ascending)] = Field(
        default=[1e-5, 1e-2],
        min_length=2,
        max_length=2,
        description="[lowest, highest], ascending, each greater than 0 and at most 10",
    )
    batch_size: Annotated[list[BatchSize], AfterValidator(_distinct)] = Field(
        default=[32, 64, 128, 256],
        min_length=1,
        max_length=30,
        description="a list of 1 to 30 different integers from 1 to 4096",
    )
    epochs: Annotated[list[Epochs], AfterValidator(_ascending)] = Field(
        default=[10, 20],
        min_length=2,
        max_length=2,
        description="[lowest, highest], ascending, each an integer from 1 to 1000",
    )


class Completion(Part):
    """What ends tuning before all its jobs have run; by default nothing does."""

    target_objective: float | None = Field(
        default=None, ge=0, le=1, description="null or a number from 0 to 1: an objective that is good enough"
    )
    jobs_not_improving: int | None = Field(
        default=None, ge=3, description="null or an integer of at least 3: jobs in a row that improve nothing"
    )
    on_convergence: bool = Field(default=False, description="true or false")


class Tuning(Part):
    """The search for better hyperparameters before the training that counts."""

    enabled: bool = Field(default=True, description="true or false")
    max_jobs: int = Field(default=10, ge=1, le=750, description="an integer from 1 to 750")
    parallel_jobs: int = Field(default=2, ge=1, le=10, description="an integer from 1 to 10")
    strategy: Literal["Bayesian", "Random", "Hyperband"] = Field(
        default="Bayesian", description='"Bayesian", "Random" or "Hyperband"'
    )
    early_stopping: Literal["Off", "Auto"] = Field(
        default="Off", description='"Off" or "Auto" (ends trials that are unlikely to become the best)'
    )
    completion: Completion = Completion()
    objective: Literal["validation:accuracy", "test:accuracy"] = Field(
        default="validation:accuracy",
        description='"validation:accuracy" or "test:accuracy" (makes the estimate optimistic)',
    )
    ranges: Ranges = Ranges()

    @model_validator(mode="after")
    def _parallel_fits(self) -> Self:
        if self.parallel_jobs > self.max_jobs:
            raise ValueError(
                "an object whose parallelJobs is at most its maxJobs; "
                f"they are {self.parallel_jobs} and {self.max_jobs}"
            )
        return self

    @model_validator(mode="after")
    def _stops_trials_in_one_way(self) -> Self:
        if self.strategy == "Hyperband" and self.early_stopping == "Auto":
            raise ValueError(
                'an object whose earlyStopping is "Off" where its strategy is "Hyperband", which stops trials'
            )
        return self


class Training(Part):
    """Where training runs, for how long at most, and whether on spot instances."""

    instance_type: str = Field(
        default="ml.g4dn.xlarge",
        pattern=_INSTANCE_TYPE,
        description="a SageMaker training instance type such as ml.g4dn.xlarge or ml.m5.xlarge",
    )
    head_instance_type: str | None = Field(
        default="ml.m5.xlarge",
        pattern=_INSTANCE_TYPE,
        description="null (as instanceType) or a SageMaker training instance type such as ml.m5.xlarge: "
        "where a head is trained on features",
    )
    instance_count: int = Field(default=1, ge=1, le=64, description="an integer from 1 to 64")
    sharded: bool = Field(default=False, description="true or false")
    label_noise_folds: int | None = Field(
        default=None, ge=2, le=10, description="null (does not look for wrong labels) or an integer from 2 to 10"
    )
    spot: bool = Field(default=True, description="true or false")
    max_run_seconds: Seconds = 7200
    max_wait_seconds: Seconds = 14400

    @model_validator(mode="after")
    def _waits_for_the_run(self) -> Self:
        if self.spot and self.max_wait_seconds < self.max_run_seconds:
            raise ValueError(
                "an object whose maxWaitSeconds (waiting for spot capacity and running) is at least its "
                f"maxRunSeconds; they are {self.max_wait_seconds} and {self.max_run_seconds}"
            )
        return self

    @model_validator(mode="after")
    def _looks_at_every_image(self) -> Self:
        if self.label_noise_folds and self.sharded:
            raise ValueError(
                "an object whose sharded is false where it has labelNoiseFolds: one instance trains those heads, on "
                "all images"
            )
        return self


class Debugging(Part):
    """What the training job records of its own working, for rules that tell what goes wrong."""

    enabled: bool = Field(default=True, description="true or false")
    save_interval: int = Field(
        default=50, ge=1, le=100_000, description="an integer from 1 to 100000 (steps between two saves)"
    )
    trace: bool = Field(default=False, description="true or false (a trace by torch.profiler)")


class Release(Part):
    """When a model is good enough to replace the champion, the one that serves, and whether a person approves it.

    With the default margin no chain of releases can lower the accuracy on the same test images.
    """

    minimum_accuracy: float = Field(default=0.3, ge=0, le=1, description="a number from 0 to 1")
    above_majority: bool = Field(
        default=True, description="true or false (more right than by always giving the most frequent count)"
    )
    margin: float = Field(
        default=0,
        ge=0,
        le=1,
        description="a number from 0 to 1: how much lower than the champion's the accuracy may be (1: no comparison)",
    )
    minimum_recall: float = Field(
        default=0, ge=0, le=1, description="a number from 0 to 1 that the recall of each count must reach"
    )
    approval: Literal["automatic", "manual"] = Field(default="automatic", description='"automatic" or "manual"')
    approval_seconds: int = Field(
        default=604_800, ge=1, le=2_592_000, description="an integer from 1 to 2592000 (30 days)"
    )
    package: str | None = Field(
        default=None,
        pattern=r"^(previous|arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/[^/]+/\d+)$",
        description='null, "previous" or the ARN of a model package, to serve it instead of training a model',
    )


class ExecutionInput(Part):
    """The complete input of one execution."""

    recipe: Literal["notebook", "fine-tuning"] = Field(default="notebook", description='"notebook" or "fine-tuning"')
    dataset: Dataset = Dataset()
    architectures: Annotated[list[Architecture], AfterValidator(_distinct)] = Field(
        default=["resnet50", "resnet101"],
        min_length=1,
        description="a list of one or more, none twice, of " + ", ".join(get_args(Architecture)),
    )
    weights: str = Field(
        default="imagenet",
        pattern=rf"^({'|'.join(EDITIONS)}|none|s3://{BUCKET}/.*[^/])$",
        description='"imagenet", "imagenet-v2", "none" or the S3 URI of a file of weights or of a trained model\'s '
        "model.tar.gz",
    )
    trainable: Literal["head", "layer4", "all"] = Field(default="head", description='"head", "layer4" or "all"')
    loss: Literal["cross-entropy", "ordinal"] = Field(
        default="cross-entropy", description='"cross-entropy" or "ordinal" (near counts are better than far ones)'
    )
    hyperparameters: Hyperparameters = Hyperparameters()
    tuning: Tuning = Tuning()
    training: Training = Training()
    debugging: Debugging = Debugging()
    release: Release = Release()
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="an integer from 0 to 2147483647")

    @field_validator("weights")
    @classmethod
    def _are_published(cls, weights: str, others: ValidationInfo) -> str:
        files = EDITIONS.get(weights)
        missing = [name for name in others.data.get("architectures", ()) if files is not None and name not in files]
        if missing:
            raise PydanticCustomError(
                CONTRADICTION,
                '"imagenet" for {missing}, whose weights have one edition; or architectures must be of {published}',
                {"missing": " and ".join(missing), "published": ", ".join(files or ())},
            )
        return weights

    @field_validator("trainable")
    @classmethod
    def _is_enough_for_the_recipe(cls, trainable: str, others: ValidationInfo) -> str:
        if trainable == "head" and others.data.get("recipe") == "fine-tuning":
            raise PydanticCustomError(
                CONTRADICTION,
                '"all" or "layer4" with the recipe "fine-tuning", which would train one linear layer; '
                'or recipe must be "notebook"',
            )
        return trainable

    @field_validator("training")
    @classmethod
    def _looks_for_wrong_labels_with_heads(cls, training: Training, others: ValidationInfo) -> Training:
        if training.label_noise_folds and (trainable := others.data.get("trainable", "head")) != "head":
            raise ValueError(
                f'an object whose labelNoiseFolds is null where trainable is "{trainable}", which would cost '
                f'{training.label_noise_folds} whole trainings more; or trainable must be "head"'
            )
        return training

    @property
    def training_instance_type(self) -> str:
        """Where training jobs and trials run: a head that learns from features needs no GPU."""
        head = self.training.head_instance_type if self.trainable == "head" else None
        return head or self.training.instance_type

    def to_json(self) -> dict[str, Any]:
        """Every field with its value, named as in JSON."""
        return self.model_dump(mode="json", by_alias=True)


def complete(given: object, defaults: Mapping[str, Any] | None = None) -> ExecutionInput:
    """Fill what `given` leaves out from `defaults`, then from this module, and validate the whole.

    Args:
        given: the execution's input as parsed from JSON; None is the same as {}.
        defaults: a partial input: the deployment's own defaults.

    Raises:
        InvalidInput: one sentence for each field that is unknown, of the wrong type, or out of its limits.
    """
    try:
        asked = an_object(given)
        merged = _overlay(_below(defaults or {}, asked), asked)
    except RecursionError:
        raise InvalidInput(TOO_DEEP) from None
    return validated(ExecutionInput, merged)


def _below(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What fills what the caller leaves out: the deployment's defaults and the recipe's preset.

    A preset stands right below the level that chose the recipe.
    """
    deployment = _giving_way(defaults, given)
    chosen, ours = given.get("recipe"), defaults.get("recipe")
    if "recipe" in given and chosen != ours:
        return _overlay(deployment, preset(chosen))
    return _overlay(preset(ours), deployment)


def _giving_way(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment's defaults without their fraction and files if the caller says either."""
    ours, theirs = defaults.get("dataset"), given.get("dataset")
    chosen = {"fraction", "files"}
    if isinstance(ours, dict) and isinstance(theirs, dict) and any(theirs.get(name) is not None for name in chosen):
        return {**defaults, "dataset": {name: value for name, value in ours.items() if name not in chosen}}
    return defaults


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two JSON objects; `above` wins, objects in both are merged in turn."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        both_objects = isinstance(lower, dict) and isinstance(value, dict)
        merged[key] = _overlay(lower or {}, value) if both_objects else value
    return merged
