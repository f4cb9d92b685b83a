"""The AWS Deep Learning Container images, as the SageMaker SDK knows them: without network, for every region.

Which tag an image has and which account serves it in a region is the SDK's table, `sagemaker.core.image_uris`. A stack
does not know its region yet, so it carries the accounts of all.
"""

from functools import cache
from typing import NamedTuple

from aws_cdk import CfnMapping, Stack
from constructs import Construct
from sagemaker.core import image_uris

from stacks.settings import InvalidSetting


class Image(NamedTuple):
    """An image by the names that `image_uris.retrieve` has for it."""

    framework: str
    version: str
    scope: str
    instance_type: str
    """Any instance type with this image's kind of processor."""


_CPU, _GPU = "ml.m5.large", "ml.g4dn.xlarge"
TRAINING_CPU = Image("pytorch-amzn2023", "2.13", "training", _CPU)
TRAINING_GPU = Image("pytorch-amzn2023", "2.13", "training", _GPU)
SERVING = Image("ray-serve", "1.4", "inference", _CPU)

_MAPPING = "ImageAccounts"
_SOME_REGION = "us-east-1"


def image_uri(scope: Construct, image: Image) -> str:
    """URI of an image in the region that the stack is deployed to."""
    stack = Stack.of(scope)
    return f"{_account(stack)}.dkr.ecr.{stack.region}.{stack.url_suffix}/{_name_and_tag(image)}"


def repository_arns(scope: Construct) -> list[str]:
    """ARNs of the repositories that the images come from, for pull permissions."""
    stack = Stack.of(scope)
    return [
        f"arn:{stack.partition}:ecr:{stack.region}:{_account(stack)}:repository/{name}"
        for name in sorted({_name_and_tag(image).split(":")[0] for image in (TRAINING_CPU, SERVING)})
    ]


def check_region(region: str) -> None:
    """Refuse a region without the images.

    Raises
    ------
    InvalidSetting
        Naming the region, and those that have them.
    """
    if region not in _accounts():
        raise InvalidSetting(
            f"region {region}: AWS has no images of PyTorch {TRAINING_CPU.version} and Ray Serve {SERVING.version} "
            f"there; deploy to one of {', '.join(_accounts())}"
        )


def _account(stack: Stack) -> str:
    mapping = stack.node.try_find_child(_MAPPING) or CfnMapping(
        stack, _MAPPING, mapping={region: {"account": account} for region, account in _accounts().items()}
    )
    assert isinstance(mapping, CfnMapping)
    return mapping.find_in_map(stack.region, "account")


@cache
def _accounts() -> dict[str, str]:
    """Region -> account, of the regions where one account serves all images."""
    first, *others = [_registries(image) for image in (TRAINING_CPU, SERVING)]
    return {region: first[region] for region in sorted(first) if all(o.get(region) == first[region] for o in others)}


def _registries(image: Image) -> dict[str, str]:
    """The same of one image. Asking `retrieve` for each region would take ten seconds."""
    config = image_uris.config_for_framework(image.framework)
    registries: dict[str, str] = config.get(image.scope, config)["versions"][image.version]["registries"]
    return registries


@cache
def _name_and_tag(image: Image) -> str:
    uri = image_uris.retrieve(
        image.framework,
        _SOME_REGION,
        version=image.version,
        instance_type=image.instance_type,
        image_scope=image.scope,
    )
    return str(uri).partition("/")[2]
