"""Settings to stacks; nothing else."""

import os
import sys

import aws_cdk as cdk

from stacks import images
from stacks.checks import check
from stacks.company.resource_tags import tag_resources
from stacks.company.roles import restrict_roles
from stacks.endpoint.stack import EndpointStack
from stacks.observability import ObservabilityStack
from stacks.packages import NotInstalled
from stacks.settings import DEPLOYMENT, DeploymentSettings, InvalidSetting
from stacks.storage import StorageStack
from stacks.workflow.stack import WorkflowStack


def build(app: cdk.App) -> None:
    """Add the stacks that the context's settings describe."""
    settings = DeploymentSettings.from_context(app.node)
    prefix = settings.name.capitalize()
    # Not of the endpoint's stack, whose update role would have to tag all that it makes: what costs has its own.
    tags = {DEPLOYMENT: settings.name, **settings.tags}
    storage = StorageStack(app, f"{prefix}-Storage", settings=settings, tags=tags)
    observability = ObservabilityStack(app, f"{prefix}-Observability", settings=settings, tags=tags)
    endpoint = EndpointStack(
        app,
        f"{prefix}-Endpoint",
        settings=settings,
        data_bucket=storage.data_bucket,
        topic=observability.topic,
    )
    WorkflowStack(
        app,
        f"{prefix}-Workflow",
        settings=settings,
        data_bucket=storage.data_bucket,
        endpoint=endpoint,
        topic=observability.topic,
        tags=tags,
    )
    restrict_roles(app, settings)
    tag_resources(app, settings)
    check(app)


if __name__ == "__main__":
    app = cdk.App()
    try:
        if region := os.environ.get("CDK_DEFAULT_REGION"):  # what the command line found to deploy to
            images.check_region(region)
        build(app)
    except (InvalidSetting, NotInstalled) as error:
        sys.exit(str(error))
    app.synth()
