from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bin_source import DATA_BUCKET, BinSource
from botocore.stub import Stubber

import collect_trials
import storage
from errors import NoFinishedTrial
from run import contract

JOB = "stocktake-0123456789ab-tune-0"
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def event(objective: str = "validation:accuracy") -> dict[str, Any]:
    tuning = contract.complete({"tuning": {"objective": objective}}).to_json()["tuning"]
    return {"jobName": JOB, "tuning": tuning, "report": {"bucket": DATA_BUCKET, "prefix": "reports/run"}}


def trial(number: int, accuracy: float | None, status: str = "Completed", **changed: Any) -> dict[str, Any]:
    """What DescribeTrainingJob answers of a trial."""
    name = f"{JOB}-{number:03d}-abc"
    metrics = {"validation:accuracy": accuracy, "validation:loss": 1.5, "test:accuracy": 0.5 - number / 10}
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ACCOUNT}:training-job/{name}",
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "StoppingCondition": {},
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://data/trials/{name}/output/model.tar.gz"},
        "CreationTime": NOW,
        # A searched category comes in quotes of its own.
        "HyperParameters": {"lr": "1.5e-05", "batch-size": '"64"', "epochs": "12", "sagemaker_program": "hpo.py"},
        "FinalMetricDataList": [
            {"MetricName": metric, "Value": value, "Timestamp": NOW}
            for metric, value in metrics.items()
            if accuracy is not None
        ],
        "TrainingTimeInSeconds": 100 * number,
        "BillableTimeInSeconds": 30 * number,
    } | changed


def failed(number: int, reason: str) -> dict[str, Any]:
    made = trial(number, None, "Failed", FailureReason=reason)
    del made["TrainingTimeInSeconds"], made["BillableTimeInSeconds"]
    return made


@pytest.fixture
def sagemaker(bin_source: BinSource) -> Iterator[Stubber]:
    with Stubber(collect_trials.sagemaker()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def has_tried(sagemaker: Stubber, *pages: list[dict[str, Any]]) -> None:
    """SageMaker lists these trials, a page at a time."""
    asked = {"HyperParameterTuningJobName": JOB, "SortBy": "CreationTime", "SortOrder": "Ascending"}
    for number, page in enumerate(pages):
        summaries = [
            {
                "TrainingJobName": job["TrainingJobName"],
                "TrainingJobArn": job["TrainingJobArn"],
                "CreationTime": NOW,
                "TrainingJobStatus": job["TrainingJobStatus"],
                "TunedHyperParameters": {},
            }
            for job in page
        ]
        more = {"NextToken": f"page {number + 1}"} if number < len(pages) - 1 else {}
        token = {"NextToken": f"page {number}"} if number else {}
        sagemaker.add_response(
            "list_training_jobs_for_hyper_parameter_tuning_job",
            {"TrainingJobSummaries": summaries, **more},
            asked | token,
        )
        for job in page:
            sagemaker.add_response("describe_training_job", job, {"TrainingJobName": job["TrainingJobName"]})


def written() -> dict[str, Any]:
    return dict(storage.read_json(DATA_BUCKET, "reports/run/tuning/trials.json"))


def test_the_best_trial_is_chosen_and_all_are_kept(sagemaker: Stubber) -> None:
    # given
    has_tried(sagemaker, [trial(1, 0.3), failed(2, "AlgorithmError: out of memory")], [trial(3, 0.35), trial(4, 0.2)])
    # when
    found = collect_trials.handler(event(), None)
    # then
    assert found == {
        "jobName": JOB,
        "bestHyperparameters": {"learningRate": 1.5e-05, "batchSize": 64, "epochs": 12},
        "objective": 0.35,
        "objectiveMetric": "validation:accuracy",
        "trials": 4,
        "selectedOnTest": False,
        "trainingSeconds": 800,
        "billableSeconds": 240,
    }
    content = written()
    assert content["best"] == f"{JOB}-003-abc"
    assert (content["jobName"], content["strategy"], content["objective"]) == (JOB, "Bayesian", "validation:accuracy")
    assert content["ranges"]["epochs"] == [10, 20]
    assert [t["objective"] for t in content["trials"]] == [0.3, None, 0.35, 0.2]
    assert content["trials"][0] == {
        "name": f"{JOB}-001-abc",
        "status": "Completed",
        "hyperparameters": {"learningRate": 1.5e-05, "batchSize": 64, "epochs": 12},
        "objective": 0.3,
        "metrics": {"validation:loss": 1.5, "test:accuracy": 0.4},
        "trainingSeconds": 100,
        "billableSeconds": 30,
    }


def test_numbers_stay_numbers(sagemaker: Stubber) -> None:
    has_tried(sagemaker, [trial(1, 0.3, HyperParameters={"lr": '"0.01"', "batch-size": "32", "epochs": "7.0"})])
    best = collect_trials.handler(event(), None)["bestHyperparameters"]
    assert best == {"learningRate": 0.01, "batchSize": 32, "epochs": 7}
    assert isinstance(best["batchSize"], int)
    assert isinstance(best["epochs"], int)


def test_choosing_on_the_test_split_is_told(sagemaker: Stubber) -> None:
    has_tried(sagemaker, [trial(1, 0.3), trial(2, 0.35)])
    found = collect_trials.handler(event("test:accuracy"), None)
    assert found["selectedOnTest"] is True
    assert (found["objective"], found["objectiveMetric"]) == (0.4, "test:accuracy")


def test_only_a_trial_that_ran_to_its_end_can_be_the_best(sagemaker: Stubber) -> None:
    failed = trial(2, 0.9, "Failed", FailureReason="AlgorithmError: disk full")
    has_tried(sagemaker, [trial(1, 0.5, "Stopped"), failed, trial(3, 0.3, "Completed")])
    assert collect_trials.handler(event(), None)["objective"] == 0.3


def test_the_first_of_equals_is_chosen(sagemaker: Stubber) -> None:
    has_tried(sagemaker, [trial(1, 0.3), trial(2, 0.3)])
    collect_trials.handler(event(), None)
    assert written()["best"] == f"{JOB}-001-abc"


def test_where_no_trial_finished_the_first_failure_is_quoted(sagemaker: Stubber) -> None:
    has_tried(
        sagemaker, [trial(1, None, "Stopped"), failed(2, "AlgorithmError: no image with count 3"), failed(3, "x")]
    )
    with pytest.raises(NoFinishedTrial) as raised:
        collect_trials.handler(event(), None)
    assert str(raised.value) == (
        f"none of the 3 trials of {JOB} ended with a validation:accuracy; "
        f"{JOB}-002-abc: AlgorithmError: no image with count 3"
    )


def test_a_tuning_job_without_any_trial_is_told(sagemaker: Stubber) -> None:
    has_tried(sagemaker, [])
    with pytest.raises(NoFinishedTrial, match=f"^none of the 0 trials of {JOB} ended with a validation:accuracy$"):
        collect_trials.handler(event(), None)


@pytest.mark.parametrize(
    ("secondary", "field"),
    [("MaxRuntimeExceeded", "training.maxRunSeconds"), ("MaxWaitTimeExceeded", "training.maxWaitSeconds")],
)
def test_trials_that_were_all_stopped_at_a_time_limit_are_told_with_its_field(
    sagemaker: Stubber, secondary: str, field: str
) -> None:
    stopped = trial(1, None, "Stopped", SecondaryStatus=secondary)
    del stopped["FinalMetricDataList"], stopped["TrainingTimeInSeconds"]
    has_tried(sagemaker, [stopped])
    with pytest.raises(NoFinishedTrial, match=f"it was stopped after the seconds of {field}"):
        collect_trials.handler(event(), None)
