"""SageMaker jobs as ``.sync`` tasks of the emulated Step Functions."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker import bucket as bucket_
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.jobs import ended, entrypoint, explanation_of_execution
from tests.rehearsal.sagemaker.tuning_request import tuning_request


def task(name: str, script: str, **fields: Any) -> dict[str, Any]:
    """A state machine with one processing job that runs a script."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": name,
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "python", "ContainerEntrypoint": entrypoint(script)},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
            },
        },
        "End": True,
        **fields,
    }
    caught = {"Caught": {"Type": "Pass", "End": True}} if "Catch" in fields else {}
    return {"QueryLanguage": "JSONata", "StartAt": "Job", "States": {"Job": state, **caught}}


@pytest.fixture
def name() -> str:
    """A job's name."""
    return f"job-{uuid.uuid4().hex[:8]}"


def test_result_is_the_jobs_description(aws: Emulator, name: str) -> None:
    # Given a job that succeeds, Then the task's result is its description, times as milliseconds since 1970.
    execution = aws.execute(task(name, "print('work')", Output="{% $states.result %}"))
    assert execution["status"] == "SUCCEEDED", explanation_of_execution(aws.endpoint_url, execution)
    result = execution["output"]
    assert (result["ProcessingJobName"], result["ProcessingJobStatus"]) == (name, "Completed")
    assert result["ProcessingEndTime"] > 1_700_000_000_000
    assert "ResponseMetadata" not in result


def test_failed_job_fails_the_task_with_its_description(aws: Emulator, name: str) -> None:
    # Given a job that exits with 3, Then Catch gets States.TaskFailed and the description as JSON.
    catch = {"ErrorEquals": ["States.TaskFailed"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}
    output = aws.execute(task(name, "raise SystemExit(3)", Catch=[catch]))["output"]
    description = json.loads(output["Cause"])
    assert (output["Error"], description["ProcessingJobStatus"]) == ("States.TaskFailed", "Failed")
    assert description["FailureReason"]


def test_name_in_use_is_named_as_aws_does(aws: Emulator, name: str) -> None:
    # Given a job of the same name, Then the task fails by SageMaker's error.
    first = aws.execute(task(name, "pass"))
    assert first["status"] == "SUCCEEDED", explanation_of_execution(aws.endpoint_url, first)
    assert aws.execute(task(name, "pass"))["error"] == "SageMaker.ResourceInUseException"


def test_stopped_execution_stops_its_job(aws: Emulator, name: str) -> None:
    # Given a job that runs long, When its execution is stopped, Then the job is stopped, too.
    states, sagemaker = aws.client("stepfunctions"), aws.client("sagemaker")
    definition = json.dumps(task(name, "import time; time.sleep(600)"))
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    aws.wait_for(
        lambda: sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"], lambda found: found
    )
    states.stop_execution(executionArn=execution)
    ended(sagemaker, "ProcessingJob", name, "Stopped")


def test_stopped_execution_stops_its_tuning_job_and_the_trials(aws: Emulator, name: str) -> None:
    # Given a tuning job whose trial runs long, When its execution is stopped, Then both are stopped, too.
    states, sagemaker = aws.client("stepfunctions"), aws.client("sagemaker")
    aws.client("s3").create_bucket(Bucket=bucket_.NAME)
    script = "import time; time.sleep(600)"
    request = tuning_request(Bucket(aws.client("s3")), script, jobs=2, parallel=1)
    resource = "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
    tune = {"Type": "Task", "Resource": resource, "Arguments": request, "End": True}
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Tune", "States": {"Tune": tune}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]

    def trial_statuses() -> list[str]:
        return [trial["TrainingJobStatus"] for trial in sagemaker.list_training_jobs()["TrainingJobSummaries"]]

    aws.wait_for(trial_statuses, lambda found: found == ["InProgress"])
    states.stop_execution(executionArn=execution)
    ended(sagemaker, "HyperParameterTuningJob", request["HyperParameterTuningJobName"], "Stopped")
    assert trial_statuses() == ["Stopped"]
