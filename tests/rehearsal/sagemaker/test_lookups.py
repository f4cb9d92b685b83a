"""Names and ARNs that stand for nothing are refused in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.tuning_request import tuning_request

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"

UNKNOWN = [
    ("describe_training_job", "TrainingJobName", "ValidationException", "Requested resource not found."),
    ("stop_training_job", "TrainingJobName", "ValidationException", "Requested resource not found."),
    *(
        (operation, "ProcessingJobName", "ValidationException", "Could not find requested job with name: nobody")
        for operation in ("describe_processing_job", "stop_processing_job")
    ),
    (
        "describe_hyper_parameter_tuning_job",
        "HyperParameterTuningJobName",
        "ResourceNotFound",
        "Amazon SageMaker can't find a tuning job called nobody. Type another name.",
    ),
    *(
        (operation, "EndpointName", "ValidationException", f'Could not find endpoint "{ARN}endpoint/nobody".')
        for operation in ("describe_endpoint", "delete_endpoint")
    ),
    (
        "describe_endpoint_config",
        "EndpointConfigName",
        "ValidationException",
        f'Could not find endpoint configuration "{ARN}endpoint-config/nobody".',
    ),
]


@pytest.mark.parametrize(("operation", "member", "code", "sentence"), UNKNOWN, ids=[case[0] for case in UNKNOWN])
def test_an_unknown_name_is_refused(sagemaker: Any, operation: str, member: str, code: str, sentence: str) -> None:
    # When something is asked of a name that nothing has, Then AWS's code and sentence say so.
    with pytest.raises(ClientError) as refused:
        getattr(sagemaker, operation)(**{member: "nobody"})
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, sentence)


@pytest.mark.parametrize("resource", ["endpoint/nobody", "training-job/nobody", "model-package/nobody/1", "toy/nobody"])
def test_nothing_is_tagged_by_an_unknown_arn(sagemaker: Any, resource: str) -> None:
    # When tags of an ARN that nothing has are asked for or given, Then both are refused.
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        sagemaker.list_tags(ResourceArn=f"{ARN}{resource}")
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        sagemaker.add_tags(ResourceArn=f"{ARN}{resource}", Tags=[{"Key": "owner", "Value": "me"}])


def test_a_second_tuning_job_of_a_name_is_refused(sagemaker: Any, bucket: Bucket) -> None:
    # Given a tuning job, When another of its name is created, Then it is refused in the words for tuning jobs.
    request = tuning_request(bucket, "import time; time.sleep(600)", jobs=1, parallel=1)
    name = request["HyperParameterTuningJobName"]
    sagemaker.create_hyper_parameter_tuning_job(**request)
    with pytest.raises(ClientError) as refused:
        sagemaker.create_hyper_parameter_tuning_job(**request)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    error = refused.value.response["Error"]
    sentence = f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name."
    assert (error["Code"], error["Message"]) == ("ResourceInUse", sentence)
