"""An account's own tags on everything in the templates that takes tags."""

from aws_cdk import Tags
from constructs import IConstruct

from stacks.settings import DeploymentSettings


def tag_resources(app: IConstruct, settings: DeploymentSettings) -> None:
    """Tag resources. Stacks get theirs where they are made: the endpoint's has none, which its role would hand on."""
    for key, value in settings.tags.items():
        Tags.of(app).add(key, value, exclude_resource_types=["aws:cdk:stack"])
