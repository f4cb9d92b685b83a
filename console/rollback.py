"""rollback: serve again what was served before."""

import click

from console.deployment import by_name
from console.release import release


@click.command()
@click.option("--package", help="ARN of the package to go back to, instead of the last approved one before.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay until it has ended.")
@by_name
def rollback(package: str | None, wait: bool, name: str) -> None:
    """Bring back the package that was served before, if it is approved, or else the one before that."""
    release(name, package or "previous", wait)
