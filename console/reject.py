"""reject: the model of an execution must not be served."""

import click

from console.decision import decide
from console.deployment import by_name
from console.json_output import as_json


@click.command()
@click.argument("execution")
@click.option("--reason", help="Kept in the registry, and the execution's own reason.")
@by_name
@as_json
def reject(execution: str, reason: str | None, name: str, as_json: bool) -> None:
    """Reject the model with which EXECUTION waits. The execution ends with that decision."""
    decide(name, execution, "Rejected", reason, as_json)
