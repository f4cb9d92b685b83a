"""Tags of what an execution makes, for the allocation of costs: the deployment that it is of, and the execution."""

from stacks.settings import DEPLOYMENT, DeploymentSettings
from stacks.states.jsonata import expression

EXECUTION = "stocktake:execution"

REFUSED = r"/[^\w .:\/=+@-]/"
"""Characters that tags and the registry refuse: an execution's name may have some."""


def tags(settings: DeploymentSettings) -> list[dict[str, str]]:
    """Argument `Tags` of a job. A model package takes none: it has its group's, which are the stack's."""
    return [
        {"Key": EXECUTION, "Value": expression(f"$replace($states.context.Execution.Name, {REFUSED}, '_')")},
        {"Key": DEPLOYMENT, "Value": settings.name},
        *({"Key": key, "Value": value} for key, value in settings.tags.items()),
    ]
