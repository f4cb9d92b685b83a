"""What to type next, in the folder of this repository."""

NAME = "stocktake"
"""Of the deployment that commands are about where none is named."""


def next_command(verb: str, arn: str) -> str:
    """The `make` command for an execution or an audit."""
    machine, name = arn.split(":")[-2:]
    deployment = machine.removesuffix("-audit")  # No deployment has a name that ends so.
    return f"make {verb} EXECUTION={name}" + ("" if deployment == NAME else f" DEPLOYMENT={deployment}")
