"""The images' URIs, as the SageMaker SDK itself tells them."""

from typing import Any

import aws_cdk as cdk
import pytest

from stacks.images import SERVING, TRAINING_CPU, TRAINING_GPU, Image, image_uri


def deployed(image: Image, region: str) -> str:
    """The image's URI as CloudFormation resolves it in a region."""
    app = cdk.App()
    stack = cdk.Stack(app, "Images")
    cdk.CfnOutput(stack, "Uri", value=image_uri(stack, image))
    template: dict[str, Any] = app.synth().get_stack_by_name("Images").template

    def part(value: Any) -> str:
        match value:
            case {"Ref": "AWS::Region"}:
                return region
            case {"Ref": "AWS::URLSuffix"}:
                return "amazonaws.com"
            case {"Fn::FindInMap": [name, key, attribute]}:
                return str(template["Mappings"][name][part(key)][attribute])
        assert isinstance(value, str), value
        return value

    return "".join(map(part, template["Outputs"]["Uri"]["Value"]["Fn::Join"][1]))


@pytest.mark.parametrize(
    ("image", "instance_type"),
    [(TRAINING_CPU, "ml.m5.large"), (TRAINING_GPU, "ml.g4dn.xlarge"), (SERVING, "ml.m5.large")],
)
def test_each_is_what_the_sdk_would_retrieve(image: Image, instance_type: str) -> None:
    from sagemaker.core import image_uris  # takes seconds, which would be every worker's

    for region in ("us-east-1", "eu-central-2"):
        expected = image_uris.retrieve(
            image.framework, region, version=image.version, instance_type=instance_type, image_scope=image.scope
        )
        assert deployed(image, region) == expected
