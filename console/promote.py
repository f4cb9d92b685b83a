"""promote: serve a package that is registered already."""

import click

from console.deployment import by_name
from console.json_output import as_json
from console.release import release


@click.command()
@click.argument("package")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay until it has ended.")
@by_name
@as_json
def promote(package: str, wait: bool, name: str, as_json: bool) -> None:
    """Put another model behind the endpoint. PACKAGE is the ARN of an approved model package."""
    release(name, package, wait, as_json)
