"""rollback: serve again what was served before."""

import click

from console.deployment import by_name
from console.json_output import as_json
from console.release import release


@click.command()
@click.option("--package", help="ARN of the package to go back to, instead of the last approved one before.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay until it has ended.")
@by_name
@as_json
def rollback(package: str | None, wait: bool, name: str, as_json: bool) -> None:
    """Serve again what was served before. If that is not approved, then the one before that."""
    release(name, package or "previous", wait, as_json)
