"""Tune and Collect trials: the search that SageMaker is asked for, and what is kept of it."""

from typing import Any

import pytest

from tests.stacks.execution import RUN, accepted, rendered, variables

States = dict[str, dict[str, Any]]
NAMED = {"Execution": {"Name": "an execution"}, "StateMachine": {"Name": "stocktake"}}


def request(states: States, tuning: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    known = variables({"tuning": tuning or {}, **given})
    choices = states["Tuning wanted?"]["Choices"]
    state = next(choice["Next"] for choice in choices if rendered(choice["Condition"], known))
    return accepted("CreateHyperParameterTuningJob", rendered(states[state]["Arguments"], known))


def test_the_seeds_search_is_the_default(states: States) -> None:
    made = request(states)
    assert made["HyperParameterTuningJobConfig"] == {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {"Name": "lr", "MinValue": "0.00001", "MaxValue": "0.01", "ScalingType": "Logarithmic"}
            ],
            "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64", "128", "256"]}],
            "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "10", "MaxValue": "20", "ScalingType": "Linear"}],
        },
        "TrainingJobEarlyStoppingType": "Off",
    }


def test_a_trial_is_a_training_without_hooks_and_checkpoints(states: States) -> None:
    trial = request(states)["TrainingJobDefinition"]
    fixed = trial["StaticHyperParameters"]
    assert (fixed["sagemaker_program"], fixed["debug-interval"], fixed["trace"]) == ("hpo.py", "0", "false")
    # What is searched must not be fixed too.
    assert not {"lr", "batch-size", "epochs"} & fixed.keys()
    assert trial["EnableManagedSpotTraining"] is True
    assert "CheckpointConfig" not in trial
    assert trial["OutputDataConfig"]["S3OutputPath"].endswith("/trials/")


def test_trials_and_training_differ_in_nothing_else(states: States) -> None:
    known = variables()
    trial = request(states)["TrainingJobDefinition"]
    training = rendered(states["Train"]["Arguments"], known)
    for field in ("RoleArn", "AlgorithmSpecification", "ResourceConfig", "StoppingCondition", "InputDataConfig"):
        assert trial[field] == training[field], field
    theirs = {"sagemaker_program", "lr", "batch-size", "epochs", "debug-interval", "trace"}
    assert trial["StaticHyperParameters"].items() >= {
        (name, value) for name, value in training["HyperParameters"].items() if name not in theirs
    }


def test_the_test_split_is_read_only_where_it_is_the_objective(states: States) -> None:
    def channels(objective: str) -> list[str]:
        made = request(states, {"objective": objective})
        assert made["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] == objective
        return [channel["ChannelName"] for channel in made["TrainingJobDefinition"]["InputDataConfig"]]

    assert channels("validation:accuracy") == ["train", "valid", "weights"]
    assert channels("test:accuracy") == ["train", "valid", "test", "weights"]


def test_hyperband_decides_itself_how_many_epochs_a_trial_gets(states: States) -> None:
    made = request(states, {"strategy": "Hyperband", "ranges": {"epochs": [3, 27]}})
    configuration = made["HyperParameterTuningJobConfig"]
    assert configuration["Strategy"] == "Hyperband"
    assert configuration["ParameterRanges"]["IntegerParameterRanges"] == []
    assert made["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"] == "27"


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_other_strategies_have_no_configuration(states: States, strategy: str) -> None:
    configuration = request(states, {"strategy": strategy, "earlyStopping": "Auto"})["HyperParameterTuningJobConfig"]
    assert configuration["Strategy"] == strategy
    assert configuration["TrainingJobEarlyStoppingType"] == "Auto"
    assert "StrategyConfig" not in configuration


@pytest.mark.parametrize(
    ("completion", "criteria"),
    [
        ({}, None),
        ({"targetObjective": 0}, {"TargetObjectiveMetricValue": 0}),
        ({"jobsNotImproving": 4}, {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 4}}),
        (
            {"targetObjective": 0.5, "onConvergence": True},
            {"TargetObjectiveMetricValue": 0.5, "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}},
        ),
    ],
)
def test_tuning_ends_early_only_on_given_criteria(
    states: States, completion: dict[str, Any], criteria: dict[str, Any] | None
) -> None:
    configuration = request(states, {"completion": completion})["HyperParameterTuningJobConfig"]
    assert configuration.get("TuningJobCompletionCriteria") == criteria


def test_only_a_tuning_with_criteria_is_started_by_the_integration_that_does_not_wait(states: States) -> None:
    """The other is not known to pass criteria on, but stops the tuning job of an execution that is stopped."""

    def first(tuning: dict[str, Any]) -> str:
        known = variables({"tuning": tuning})
        choices = states["Tuning wanted?"]["Choices"]
        return next((c["Next"] for c in choices if rendered(c["Condition"], known)), "")

    assert first({"completion": {"jobsNotImproving": 3}}) == "Tune to criteria"
    assert first({"completion": {"onConvergence": False}}) == "Tune"
    assert first({"enabled": False, "completion": {"jobsNotImproving": 3}}) == ""
    assert states["Tune to criteria"]["Resource"] == "arn:aws:states:::aws-sdk:sagemaker:createHyperParameterTuningJob"
    assert rendered(states["Tune to criteria"]["Assign"], variables()) == {"tuningJob": f"stocktake-{RUN}-tune-1"}


@pytest.mark.parametrize(
    ("status", "then"),
    [
        *((status, "Wait for trials") for status in ("InProgress", "Stopping")),
        *((status, "Collect trials") for status in ("Completed", "Failed", "Stopped")),
    ],
)
def test_it_is_looked_at_until_it_has_ended(states: States, status: str, then: str) -> None:
    assert states["Tune to criteria"]["Next"] == "Wait for trials"
    assert states["Wait for trials"]["Seconds"] == 300
    look = states[states["Wait for trials"]["Next"]]
    known = variables(tuningJob="a-job")
    assert rendered(look["Arguments"], known) == {"HyperParameterTuningJobName": "a-job"}
    output = rendered(look["Output"], known, {}, {"HyperParameterTuningJobStatus": status})
    ended = states[look["Next"]]
    (going_on,) = ended["Choices"]
    assert (going_on["Next"] if rendered(going_on["Condition"], known, output) else ended["Default"]) == then


def test_ranges_of_one_value_and_tiny_rates_stay_what_sagemaker_parses(states: States) -> None:
    made = request(states, {"ranges": {"batchSize": [64], "learningRate": [1e-7, 1]}})
    ranges = made["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert ranges["CategoricalParameterRanges"] == [{"Name": "batch-size", "Values": ["64"]}]
    (rate,) = ranges["ContinuousParameterRanges"]
    assert (float(rate["MinValue"]), float(rate["MaxValue"])) == (1e-7, 1)


def test_the_name_fits_after_any_number_of_attempts(states: States) -> None:
    # Which attempts there are at most, test_quota.py finds out.
    assert request(states)["HyperParameterTuningJobName"] == f"stocktake-{RUN}-tune-1"
    last = rendered(
        states["Tune"]["Arguments"], variables(), {"waits": 60}, context={"State": {"RetryCount": 3}} | NAMED
    )
    assert len(accepted("CreateHyperParameterTuningJob", last)["HyperParameterTuningJobName"]) <= 32


def test_the_best_values_are_trained_with(states: States) -> None:
    found = {
        "jobName": "stocktake-tune-0",
        "bestHyperparameters": {"learningRate": 0.002, "batchSize": 64, "epochs": 12},
        "trainingSeconds": 900,
        "billableSeconds": 300,
    }
    spent = [{"trainingSeconds": 10, "billableSeconds": 3}]
    known = variables(training={"jobName": "of the comparison"}, spent=spent)
    assigned = rendered(states["Collect trials"]["Assign"], known, result={"Payload": found})
    assert assigned["tuning"] == found
    assert assigned["training"] is None
    assert assigned["spent"] == [*spent, {"trainingSeconds": 900, "billableSeconds": 300}]
    hyperparameters = rendered(states["Train"]["Arguments"], known | assigned)["HyperParameters"]
    assert (hyperparameters["lr"], hyperparameters["batch-size"], hyperparameters["epochs"]) == ("0.002", "64", "12")


def test_of_a_tuning_job_that_failed_its_trials_are_asked_why(states: States) -> None:
    quota, not_started, ran, _, anything = states["Tune"]["Catch"]
    # Before the wildcard that would take the refusal for a job that ran.
    assert quota["ErrorEquals"] == ["SageMaker.ResourceLimitExceededException"]
    assert "SageMaker.AmazonSageMakerException" in not_started["ErrorEquals"]
    assert not_started["Next"] == anything["Next"] == "Add up cost of failure"
    assert (ran["ErrorEquals"], ran["Next"]) == (["States.TaskFailed"], "Collect trials")
    assert rendered(ran["Assign"], variables()) == {"tuningJob": f"stocktake-{RUN}-tune-1"}
    assert rendered(states["Tune"]["Assign"], variables()) == rendered(ran["Assign"], variables())
