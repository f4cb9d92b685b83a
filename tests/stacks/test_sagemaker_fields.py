"""The fields of the optimized SageMaker integrations: Step Functions refuses those that are not on a list of its own.

That list is not published. These are the fields that AWS's pages or published working definitions show; docs/facts.md
says which shows what.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stacks.execution import rendered, variables
from tests.stacks.template import Template, machine_definition, walk

States = dict[str, dict[str, Any]]

MAPS = {"HyperParameters", "StaticHyperParameters", "HookParameters", "CollectionParameters", "RuleParameters"}
"""Their fields have names of the caller's choice."""
CHANNEL = {
    *("ChannelName", "InputMode"),
    *(f"DataSource.S3DataSource.{name}" for name in ("S3DataType", "S3DataDistributionType", "S3Uri")),
}
TRAINING = {
    *(f"AlgorithmSpecification.{name}" for name in ("TrainingImage", "TrainingInputMode")),
    *(f"AlgorithmSpecification.MetricDefinitions.{name}" for name in ("Name", "Regex")),
    *(f"InputDataConfig.{name}" for name in CHANNEL),
    *("RoleArn", "OutputDataConfig.S3OutputPath", "EnableManagedSpotTraining"),
    *(f"ResourceConfig.{name}" for name in ("InstanceType", "InstanceCount", "VolumeSizeInGB")),
    *(f"StoppingCondition.{name}" for name in ("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds")),
}
"""Of a training job and of the definition of a tuning job's trials."""
TAGS = {"Tags.Key", "Tags.Value"}
TUNING_CONFIGURATION = {
    *("Strategy", "TrainingJobEarlyStoppingType"),
    *(f"HyperParameterTuningJobObjective.{name}" for name in ("Type", "MetricName")),
    *(f"ResourceLimits.{name}" for name in ("MaxNumberOfTrainingJobs", "MaxParallelTrainingJobs")),
    *(
        f"ParameterRanges.{kind}ParameterRanges.{name}"
        for kind in ("Continuous", "Integer")
        for name in ("Name", "MinValue", "MaxValue", "ScalingType")
    ),
    *(f"ParameterRanges.CategoricalParameterRanges.{name}" for name in ("Name", "Values")),
}
SHOWN = {
    "createTrainingJob": {*TRAINING, *TAGS, "TrainingJobName", "HyperParameters", "CheckpointConfig.S3Uri"},
    "createHyperParameterTuningJob": {
        *TAGS,
        "HyperParameterTuningJobName",
        *(f"HyperParameterTuningJobConfig.{name}" for name in TUNING_CONFIGURATION),
        *(f"TrainingJobDefinition.{name}" for name in (*TRAINING, "StaticHyperParameters")),
    },
    "createProcessingJob": {
        *TAGS,
        *("ProcessingJobName", "RoleArn", "NetworkConfig.EnableNetworkIsolation"),
        *("StoppingCondition.MaxRuntimeInSeconds",),
        *(f"AppSpecification.{name}" for name in ("ImageUri", "ContainerEntrypoint", "ContainerArguments")),
        "ProcessingInputs.InputName",
        *(
            f"ProcessingInputs.S3Input.{name}"
            for name in ("S3Uri", "LocalPath", "S3DataType", "S3InputMode", "S3DataDistributionType")
        ),
        "ProcessingOutputConfig.Outputs.OutputName",
        *(f"ProcessingOutputConfig.Outputs.S3Output.{name}" for name in ("S3Uri", "LocalPath", "S3UploadMode")),
        *(f"ProcessingResources.ClusterConfig.{name}" for name in ("InstanceCount", "InstanceType", "VolumeSizeInGB")),
    },
}
DEBUGGER = {
    *(f"DebugHookConfig.{name}" for name in ("S3OutputPath", "LocalPath", "HookParameters")),
    *(f"DebugHookConfig.CollectionConfigurations.{name}" for name in ("CollectionName", "CollectionParameters")),
    *(
        f"DebugRuleConfigurations.{name}"
        for name in ("RuleConfigurationName", "RuleEvaluatorImage", "S3OutputPath", "RuleParameters")
    ),
}
"""Only the setting managedDebugger sends them."""

INPUTS: list[dict[str, Any]] = [
    {},
    {"weights": "none", "trainable": "all", "training": {"spot": False, "instanceCount": 2, "sharded": True}},
    {"tuning": {"strategy": "Hyperband", "ranges": {"epochs": [3, 27]}}},
    {"tuning": {"completion": {"targetObjective": 0.5, "jobsNotImproving": 3, "onConvergence": True}}},
    {"tuning": {"strategy": "Random", "earlyStopping": "Auto", "objective": "test:accuracy"}},
]


def fields(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every field of a request, such as `ResourceConfig.InstanceType`; those of a list's members without a number."""
    if isinstance(value, dict) and not (path and path[-1] in MAPS):
        for name, member in value.items():
            yield from fields(member, (*path, name))
    elif isinstance(value, list) and any(isinstance(member, dict) for member in value):
        for member in value:
            yield from fields(member, path)
    elif value != []:
        yield ".".join(path)


def sent(states: States, known: dict[str, Any]) -> dict[str, set[str]]:
    """The fields that the states send to each SageMaker integration."""
    candidate = known["run"]["candidates"][0]
    found: dict[str, set[str]] = {}
    for name, state in states.items():
        if name == "Extract candidate" and candidate["features"] is None:
            continue  # nothing to extract
        service, _, action = state.get("Resource", "").removeprefix("arn:aws:states:::").partition(":")
        if service == "sagemaker":
            request = rendered(state["Arguments"], known, candidate)
            found.setdefault(action.removesuffix(".sync"), set()).update(fields(request))
    return found


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("tuning", [None, {"jobName": "a-job"}])
def test_only_fields_that_are_known_to_be_taken_are_sent(
    states: States, given: dict[str, Any], tuning: dict[str, Any] | None
) -> None:
    known = variables(given, training={"modelArtifact": "s3://data/models/a-job/model.tar.gz"}, tuning=tuning)
    found = sent(states, known)
    assert found.keys() == SHOWN.keys()
    for action, names in found.items():
        assert names <= SHOWN[action], f"{action}: {sorted(names - SHOWN[action])}"


def test_the_managed_debugger_adds_only_its_own(synthesize: Callable[..., dict[str, Template]]) -> None:
    watched = walk(machine_definition(synthesize(managedDebugger=True)["Workflow"]))
    known = variables(training={"modelArtifact": "s3://data/models/a-job/model.tar.gz"})
    found = sent(watched, known)["createTrainingJob"]
    assert found <= SHOWN["createTrainingJob"] | DEBUGGER, sorted(found - SHOWN["createTrainingJob"] - DEBUGGER)
    assert found >= DEBUGGER
