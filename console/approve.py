"""approve: the model of an execution may be served."""

import click

from console.decision import decide
from console.deployment import by_name


@click.command()
@click.argument("execution")
@click.option("--reason", help="Kept in the registry.")
@by_name
def approve(execution: str, reason: str | None, name: str) -> None:
    """Approve the model with which EXECUTION waits; the execution deploys it then."""
    decide(name, execution, "Approved", reason)
