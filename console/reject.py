"""reject: the model of an execution must not be served."""

import click

from console.decision import decide
from console.deployment import by_name


@click.command()
@click.argument("execution")
@click.option("--reason", help="Kept in the registry, and the execution's own reason.")
@by_name
def reject(execution: str, reason: str | None, name: str) -> None:
    """Reject the model with which EXECUTION waits; the execution ends with that decision."""
    decide(name, execution, "Rejected", reason)
