"""Model packages: what moto's registry leaves out and a release depends on."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import AWSValidationException, ConflictException
from moto.sagemaker.models import Model, ModelPackage, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws import eventbridge

_create_group = SageMakerModelBackend.create_model_package_group
_create_model_package = SageMakerModelBackend.create_model_package
_describe_model_package = SageMakerModelBackend.describe_model_package
_update_model_package = SageMakerModelBackend.update_model_package
_create_model = SageMakerModelBackend.create_model
_describe = ModelPackage.gen_response_object


def create_model_package_group(self: SageMakerModelBackend, model_package_group_name: str, **request: Any) -> str:
    """A name is given once; moto's second group of a name takes the place of the first."""
    if group := self.model_package_groups.get(model_package_group_name):
        raise AWSValidationException(f"Model Package Group already exists: {group.arn}")
    arn: str = _create_group(self, model_package_group_name=model_package_group_name, **request)
    return arn


def create_model_package(self: SageMakerModelBackend, **request: Any) -> str:
    """A new version waits for approval unless the request says otherwise; moto leaves its approval empty.

    A second request with a token registers nothing.
    """
    group, token = request["model_package_group_name"], request["client_token"]
    for package in self.model_packages.values():
        if token and (package.model_package_group_name, package.client_token) == (group, token):
            return str(package.arn)
    if group and not request["model_approval_status"]:
        request["model_approval_status"] = "PendingManualApproval"
    arn: str = _create_model_package(self, **request)
    _tell(self, arn)
    return arn


def describe_model_package(self: SageMakerModelBackend, model_package_name: str) -> ModelPackage:
    """A version is named by its ARN; moto takes a group's name for that of its first version."""
    if model_package_name in self.model_package_groups:
        group = self.model_package_groups[model_package_name].arn
        raise AWSValidationException(f"ModelPackage {group.replace('-group/', '/')} does not exist.")
    return _describe_model_package(self, model_package_name)


def update_model_package(self: SageMakerModelBackend, model_package_arn: str, **request: Any) -> str:
    """What an update does not mention stays; moto clears the description and the metadata."""
    package = self.describe_model_package(model_package_arn)
    request["model_approval_status"] = request["model_approval_status"] or package.model_approval_status
    request["approval_description"] = request["approval_description"] or package.approval_description
    request["customer_metadata_properties"] = {
        **(package.customer_metadata_properties or {}),
        **(request["customer_metadata_properties"] or {}),
    }
    arn: str = _update_model_package(self, model_package_arn=model_package_arn, **request)
    _tell(self, arn)
    return arn


def _tell(backend: SageMakerModelBackend, arn: str) -> None:
    """EventBridge hears of every version that is registered or changed.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """
    package = backend.describe_model_package(arn)
    if package.model_package_group_name:
        detail = {
            "ModelPackageGroupName": package.model_package_group_name,
            "ModelPackageName": arn.partition("model-package/")[2],
            "ModelPackageArn": arn,
            "ModelPackageVersion": package.model_package_version,
            "ModelPackageStatus": package.model_package_status,
            "ModelApprovalStatus": package.model_approval_status,
        }
        eventbridge.publish("aws.sagemaker", "SageMaker Model Package State Change", backend.region_name, arn, detail)


def gen_response_object(self: ModelPackage) -> dict[str, Any]:
    """A version's description carries a name, its group's; moto drops the required member."""
    return {"ModelPackageName": self.model_package_name, **_describe(self)}


def create_model(self: SageMakerModelBackend, model_name: str, **request: Any) -> Model:
    """A model may name an approved package only, and no existing model; moto accepts any."""
    if model_name in self._models:
        raise AWSValidationException(f'Cannot create already existing model "{self._models[model_name].arn}".')
    for container in [request["primary_container"] or {}, *(request["containers"] or [])]:
        if package_name := container.get("ModelPackageName"):
            package = self.describe_model_package(package_name)
            if package.model_approval_status != "Approved":
                raise AWSValidationException(
                    f"Model package {package.arn} is in approval status {package.model_approval_status}; "
                    f"only an Approved package can be deployed. Approve it with UpdateModelPackage."
                )
    return _create_model(self, model_name=model_name, **request)


def delete_model_package(self: SageMakerResponse) -> ActionResult:
    """DeleteModelPackage, which moto lacks."""
    backend = self.sagemaker_backend
    del backend.model_packages[backend.describe_model_package(self._get_param("ModelPackageName")).arn]
    return EmptyResult()


def delete_model_package_group(self: SageMakerResponse) -> ActionResult:
    """DeleteModelPackageGroup, which moto lacks; a group that holds versions stays."""
    backend = self.sagemaker_backend
    group = backend.describe_model_package_group(self._get_param("ModelPackageGroupName"))
    name = group.model_package_group_name
    if any(package.model_package_group_name == name for package in backend.model_packages.values()):
        raise ConflictException(f"Model package group {group.arn} still holds model packages; delete them first.")
    del backend.model_package_groups[name]
    return EmptyResult()
