"""The command line: `python -m console COMMAND`. Each command is a module; an error is a sentence and exit status 1."""

import os
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError

from console.approve import approve
from console.audit import audit
from console.doctor import doctor
from console.drift import drift
from console.estimate import estimate
from console.follow import follow
from console.list_executions import list_executions
from console.predict import predict
from console.promote import promote
from console.reject import reject
from console.remedies import sentence
from console.report import report
from console.rollback import rollback
from console.start import start
from console.stop import stop
from console.try_page.command import try_

_IN_ORDER_OF_USE = (
    doctor,
    estimate,
    start,
    follow,
    list_executions,
    stop,
    report,
    approve,
    reject,
    rollback,
    promote,
    predict,
    try_,
    drift,
    audit,
)


class _Console(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Console, context_settings={"help_option_names": ["-h", "--help"]})
def console() -> None:
    """Work with a deployed Stocktake. AWS_ENDPOINT_URL points the commands at a rehearsal."""


for command in _IN_ORDER_OF_USE:
    console.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0: the command did what it says; 1: it failed; 2: bad arguments; 130: interrupted."""
    # CDK and the doctor read the first; the SDK for Python knows the second alone.
    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region
    try:
        return console.main(argv, prog_name="python -m console", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    except (BotoCoreError, ClientError) as error:
        click.echo(f"Error: {sentence(error)}", err=True)
        return 1
