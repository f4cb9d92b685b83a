"""doctor: what would fail in an account, before a deployment."""

import subprocess
import sys

import click

from console.json_output import as_json


@click.command()
@click.option("-c", "--context", multiple=True, metavar="NAME=VALUE", help="A setting, as of `cdk deploy`.")
@click.option("--name", help="Short for `-c name=NAME`.")
@as_json
def doctor(context: tuple[str, ...], name: str | None, as_json: bool) -> int:
    """Look for what a deployment would fail of. Creates nothing; the same as `python -m doctor`."""
    settings = [*context, *([f"name={name}"] if name else [])]
    arguments = [argument for setting in settings for argument in ("-c", setting)]
    # In a process of its own: it is about what is to be deployed, of which the commands here know nothing.
    command = [sys.executable, "-m", "doctor", *arguments, *(["--json"] if as_json else [])]
    return subprocess.run(command, check=False).returncode
