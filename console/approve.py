"""approve: the model of an execution may be served."""

import click

from console.decision import decide
from console.deployment import by_name
from console.json_output import as_json


@click.command()
@click.argument("execution")
@click.option("--reason", help="Kept in the registry.")
@by_name
@as_json
def approve(execution: str, reason: str | None, name: str, as_json: bool) -> None:
    """Approve the model with which EXECUTION waits. The execution deploys it then."""
    decide(name, execution, "Approved", reason, as_json)
