"""SageMaker's instance types: which exist, which have GPUs, and which a run can use."""

from functools import cache

import botocore.session

_NO_CUDA_13 = ("p2", "p3", "p3dn")
_NO_IMAGE_FOR = ("trn", "inf", "dl", "p6e")
"""Families that begin so have other accelerators, or a processor that is no x86-64."""


def requirement(instance_type: str, trainable: str) -> str | None:
    """What the type would have to be that trains `trainable`, to complete "must be ..."; None where it is that."""
    if instance_type not in instance_types("Training"):
        return "a SageMaker training instance type such as ml.g4dn.xlarge or ml.m5.xlarge"
    if _family(instance_type).startswith(_NO_IMAGE_FOR) or _family(instance_type) in _NO_CUDA_13:
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


def has_gpu(instance_type: str) -> bool:
    """Whether a training instance type has NVIDIA GPUs."""
    return _family(instance_type).startswith(("g", "p"))


@cache
def instance_types(kind: str) -> frozenset[str]:
    """All instance types for `Training` or `Processing` jobs in SageMaker's own service model."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(model.shape_for(f"{kind}InstanceType").metadata["enum"])


def _family(instance_type: str) -> str:
    return instance_type.split(".")[1]
