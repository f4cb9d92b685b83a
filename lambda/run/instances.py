"""SageMaker's instance types: which exist for which use, which have GPUs, and which a run can use.

A requirement completes the sentence "must be ..." for a type that cannot be used, and is None for one that can.
"""

import json
import re
from functools import cache
from pathlib import Path

import botocore.session

USES = ("Training", "Processing", "ProductionVariant")
DEPLOYED = "instance_types.json"
"""The file beside this one, in the functions' asset alone, with the types that the deployment knows."""

_NO_CUDA_13 = ("p2", "p3", "p3dn")
_NO_IMAGE_FOR = re.compile(r"trn|inf|dl|p6e|[a-z]+\d+g")
"""Families that begin so have other accelerators, or no x86-64 processor (Graviton: a g behind the number)."""


def training_requirement(instance_type: str, trainable: str) -> str | None:
    """For training `trainable`."""
    if instance_type not in instance_types("Training"):
        return "a SageMaker training instance type such as ml.g4dn.xlarge or ml.m5.xlarge"
    if _NO_IMAGE_FOR.match(_family(instance_type)) or _family(instance_type) in _NO_CUDA_13:
        return (
            "a CPU type or a GPU type that runs CUDA 13 (ml.g4dn, ml.p4d and later): "
            "the training image is made for these"
        )
    if trainable == "head" and instance_type not in instance_types("Processing"):
        return (
            "a type that runs processing jobs too, such as ml.g4dn.xlarge: one extracts the features that the head is "
            'trained on; or trainable must be "layer4" or "all"'
        )
    return None


def evaluation_requirement(instance_type: str) -> str | None:
    """For the evaluation, a processing job."""
    if instance_type not in instance_types("Processing") or _NO_IMAGE_FOR.match(_family(instance_type)):
        return "a SageMaker processing instance type such as ml.m5.large or ml.c5.xlarge"
    return None


def endpoint_requirement(instance_type: str) -> str | None:
    """For serving."""
    if instance_type not in instance_types("ProductionVariant"):
        return "a SageMaker endpoint instance type such as ml.m5.large or ml.c5.xlarge"
    if has_gpu(instance_type):
        return "a type of x86-64 CPUs alone, such as ml.m5.large: models are served on CPUs, and a GPU would idle"
    if _NO_IMAGE_FOR.match(_family(instance_type)):
        return "a type of x86-64 CPUs alone, such as ml.m5.large or ml.c5.xlarge: models are served on these"
    return None


def is_burstable(instance_type: str) -> bool:
    """Whether an endpoint's instance type works on CPU credits; Application Auto Scaling refuses these."""
    return re.match(r"t\d", _family(instance_type)) is not None


def evaluation_type_beside(endpoint_type: str) -> str:
    """The type of an endpoint's family to evaluate its models on; ml.m5.xlarge if the family runs no such jobs."""
    beside = f"ml.{_family(endpoint_type)}.xlarge"
    return "ml.m5.xlarge" if evaluation_requirement(beside) else beside


def has_gpu(instance_type: str) -> bool:
    """Whether an instance type has NVIDIA GPUs."""
    return _family(instance_type).startswith(("g", "p"))


@cache
def instance_types(use: str) -> frozenset[str]:
    """All instance types for a use, `Training`, `Processing` or `ProductionVariant`, as the deployment knows them."""
    return frozenset((_deployed() or of_service_model())[use])


@cache
def of_service_model() -> dict[str, list[str]]:
    """The types of each use in SageMaker's service model, as this machine's botocore has it."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return {use: sorted(model.shape_for(f"{use}InstanceType").metadata["enum"]) for use in USES}


def _deployed() -> dict[str, list[str]] | None:
    """What the functions' asset carries (stacks/assets.py): the botocore of Lambda's runtime can be months older."""
    file = Path(__file__).with_name(DEPLOYED)
    return json.loads(file.read_bytes()) if file.exists() else None


def _family(instance_type: str) -> str:
    return instance_type.split(".")[1]
