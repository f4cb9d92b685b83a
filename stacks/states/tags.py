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
        # The state machine has the deployment's name.
        {"Key": DEPLOYMENT, "Value": expression("$states.context.StateMachine.Name")},
        *({"Key": key, "Value": value} for key, value in settings.tags.items()),
    ]
