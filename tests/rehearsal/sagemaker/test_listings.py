"""Lists and descriptions as clients of SageMaker read them."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.jobs import Kind
from tests.rehearsal.sagemaker.training_jobs import start_job
from tests.rehearsal.sagemaker.tuning_request import tuning_request

SLEEP = "import time; time.sleep(600)"


def start(aws: Emulator, bucket: Bucket, kind: Kind, name: str) -> None:
    """Start a job of a kind on a script that does nothing."""
    sagemaker = aws.client("sagemaker")
    if kind == "TrainingJob":
        start_job(sagemaker, bucket, SLEEP, TrainingJobName=name)
    elif kind == "HyperParameterTuningJob":
        request = tuning_request(bucket, SLEEP, jobs=1, parallel=1)
        sagemaker.create_hyper_parameter_tuning_job(**request | {"HyperParameterTuningJobName": name})
    else:
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=ROLE,
            AppSpecification={"ImageUri": "python", "ContainerEntrypoint": ["python3", "-c", SLEEP]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
            },
        )


@pytest.mark.parametrize(
    ("kind", "snake"),
    [
        ("TrainingJob", "training_job"),
        ("ProcessingJob", "processing_job"),
        ("HyperParameterTuningJob", "hyper_parameter_tuning_job"),
    ],
)
def test_the_latest_jobs_come_first_when_asked_for(aws: Emulator, bucket: Bucket, kind: Kind, snake: str) -> None:
    # Given three jobs and a stranger, When the latest are asked for in pages of two, Then no filter shortens a page.
    sagemaker, mark = aws.client("sagemaker"), uuid.uuid4().hex[:6]
    names = [f"{mark}-{letter}" for letter in "bca"]
    for name in [names[0], f"other-{uuid.uuid4().hex[:6]}", *names[1:]]:
        start(aws, bucket, kind, name)
        getattr(sagemaker, f"stop_{snake}")(**{f"{kind}Name": name})

    def listed(**asked: Any) -> list[list[str]]:
        pages = sagemaker.get_paginator(f"list_{snake}s").paginate(NameContains=mark, MaxResults=2, **asked)
        return [[job[f"{kind}Name"] for job in page[f"{kind}Summaries"]] for page in pages]

    b, c, a = names
    assert listed(SortBy="CreationTime", SortOrder="Descending") == [[a, c], [b]]
    assert listed(SortBy="Name", SortOrder="Ascending") == [[a, b], [c]]
    before = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(minutes=30)
    assert listed(CreationTimeBefore=before) == [[]]
    assert len(listed(CreationTimeAfter=before)) == 2
    latest = getattr(sagemaker, f"list_{snake}s")(SortBy="CreationTime", SortOrder="Descending", MaxResults=1)
    assert [job[f"{kind}Name"] for job in latest[f"{kind}Summaries"]] == [a]


def test_models_are_listed_by_name_and_in_pages(sagemaker: Any) -> None:
    # Given two models and a stranger, When those of a name are asked for one by one, Then the latest comes first.
    mark = uuid.uuid4().hex[:6]
    names = [f"{mark}-b", f"other-{uuid.uuid4().hex[:6]}", f"{mark}-a"]
    for name in names:
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "python"})
    pages = sagemaker.get_paginator("list_models").paginate(NameContains=mark, PaginationConfig={"PageSize": 1})
    assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [[names[2]], [names[0]]]
    assert sagemaker.list_models(NameContains=mark)["Models"][0].keys() == {"ModelName", "ModelArn", "CreationTime"}


@pytest.mark.parametrize(
    "operation",
    [
        "list_models",
        "list_training_jobs",
        "list_processing_jobs",
        "list_hyper_parameter_tuning_jobs",
        "list_endpoints",
        "list_endpoint_configs",
        "list_model_packages",
        "list_model_package_groups",
    ],
)
def test_a_token_that_was_never_given_is_refused(sagemaker: Any, operation: str) -> None:
    # When a list is asked to go on from nowhere, Then it is refused by SageMaker's error.
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        getattr(sagemaker, operation)(NextToken="none")


def test_trials_do_not_go_on_from_a_token_that_was_never_given(aws: Emulator, bucket: Bucket) -> None:
    # Given a tuning job, When its trials are asked for from nowhere on, Then that is refused by SageMaker's error.
    sagemaker, job = aws.client("sagemaker"), {"HyperParameterTuningJobName": f"test-{uuid.uuid4().hex[:6]}"}
    start(aws, bucket, "HyperParameterTuningJob", job["HyperParameterTuningJobName"])
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**job, NextToken="none")
    sagemaker.stop_hyper_parameter_tuning_job(**job)


def test_a_description_has_defaults_and_leaves_out_what_was_not_asked_for(aws: Emulator, bucket: Bucket) -> None:
    # Given a configuration without data capture, Then none is described; a training job's output names no key.
    sagemaker, name = aws.client("sagemaker"), f"test-{uuid.uuid4().hex[:6]}"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "python"})
    variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}
    model = sagemaker.describe_model(ModelName=name)
    assert not model.keys() & {"VpcConfig", "Containers"}
    assert model["PrimaryContainer"]["Image"] == "python"
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    configured = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    served = sagemaker.describe_endpoint(EndpointName=name)
    assert configured["ProductionVariants"] == [variant | {"InitialVariantWeight": 1.0}]
    assert [served["ProductionVariants"][0][of] for of in ("CurrentWeight", "DesiredWeight")] == [1.0, 1.0]
    for described in (configured, served):
        assert not described.keys() & {"DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId"}
    sagemaker.delete_endpoint(EndpointName=name)
    job = start_job(sagemaker, bucket, SLEEP)
    sagemaker.stop_training_job(TrainingJobName=job)
    output = sagemaker.describe_training_job(TrainingJobName=job)["OutputDataConfig"]
    assert output == {"KmsKeyId": "", "S3OutputPath": "s3://data/models"}
