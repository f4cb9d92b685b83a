"""The AWS Deep Learning Container images, as the SageMaker SDK knows them: without network, for every region.

Which tag an image has and which account serves it in a region is the SDK's table, `sagemaker.core.image_uris`. It is
read as the files that it is: importing the SDK takes longer than all of the synth. A stack does not know its region
yet, so it carries the accounts of all.
"""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import CfnMapping, Stack
from constructs import Construct

from stacks.settings import InvalidSetting


class Image(NamedTuple):
    """An image by the names that the table has for it."""

    framework: str
    version: str
    scope: str
    processor: str


TRAINING_CPU = Image("pytorch-amzn2023", "2.13", "training", "cpu")
TRAINING_GPU = Image("pytorch-amzn2023", "2.13", "training", "gpu")
SERVING = Image("ray-serve", "1.4", "inference", "cpu")

_MAPPING = "ImageAccounts"


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
    first, *others = [_entry(image)["registries"] for image in (TRAINING_CPU, SERVING)]
    return {region: first[region] for region in sorted(first) if all(o.get(region) == first[region] for o in others)}


def _name_and_tag(image: Image) -> str:
    entry = _entry(image)
    return f"{entry['repository']}:{entry['tag_prefix']}-{entry['container_version'][image.processor]}"


@cache
def _entry(image: Image) -> dict[str, Any]:
    file = distribution("sagemaker-core").locate_file(f"sagemaker/core/image_uri_config/{image.framework}.json")
    table = json.loads(Path(str(file)).read_text())
    entry: dict[str, Any] = table.get(image.scope, table)["versions"][image.version]
    return entry
