"""promote: serve a package that is registered already."""

import click

from console.deployment import by_name
from console.release import release


@click.command()
@click.argument("package")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay until it has ended.")
@by_name
def promote(package: str, wait: bool, name: str) -> None:
    """Put PACKAGE, the ARN of an approved model package, behind the endpoint."""
    release(name, package, wait)
