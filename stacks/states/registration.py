"""Register: a numbered package of the model in the registry, approved or waiting for a person."""

from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure
from stacks.states.jsonata import expression
from stacks.states.package_metadata import properties
from stacks.states.target import NUMBERED, Target

CONTENT_TYPES = ["image/jpeg", "image/png", "application/x-image", "multipart/form-data", "application/jsonlines"]
RESPONSE_TYPES = ["application/json", "application/jsonlines", "text/csv"]
"""What the serving application takes and answers."""


def register(scope: Construct, target: Target, failure: Failure) -> tasks.CallAwsService:
    """Assigns `package`, the ARN."""
    state = call_aws(
        scope,
        "Register",
        "sagemaker:createModelPackage",
        [target.package_group_arn, target.package_arns],
        {
            "ModelPackageGroupName": target.package_group,
            "ModelPackageDescription": expression("$training.architecture & ' trained on dataset ' & $dataset.id"),
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": target.serving_image,
                        "ModelDataUrl": expression("$training.modelArtifact"),
                        # The endpoint computes in the format that was evaluated.
                        "Environment": {"STOCKTAKE_PRECISION": expression("$evaluation.precision")},
                    }
                ],
                "SupportedContentTypes": CONTENT_TYPES,
                "SupportedResponseMIMETypes": RESPONSE_TYPES,
                "SupportedRealtimeInferenceInstanceTypes": [target.serving_instance_type],
            },
            "ModelApprovalStatus": expression(
                "$run.input.release.approval = 'automatic' ? 'Approved' : 'PendingManualApproval'"
            ),
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": expression("$run.report.uri & '/metrics.json'"),
                    }
                }
            },
            "CustomerMetadataProperties": properties(target.code_hash),
            # A second try after a lost answer finds what the first one registered.
            "ClientToken": expression("$hash($states.context.Execution.Id, 'MD5')"),
        },
        comment="A numbered package in the model registry, approved or waiting for a person.",
        assign={"package": expression("$states.result.ModelPackageArn")},
        wildcard=NUMBERED,
    )
    return failure.catch(state)
