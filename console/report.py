"""report: an execution's report on this machine."""

import json
import sys
import webbrowser
from pathlib import Path

import boto3
import click
from botocore.exceptions import ClientError

from console.deployment import by_name, find
from console.executions import described
from console.json_output import answer, as_json


@click.command()
@click.argument("execution", required=False)
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="A folder. [default: reports/EXECUTION]"
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="In the browser, from a terminal.")
@by_name
@as_json
def report(execution: str | None, folder: Path | None, opens: bool, name: str, as_json: bool) -> None:
    """Fetch an execution's report and open it.

    EXECUTION is a name or an ARN; without one it is the newest that succeeded.
    """
    found = described(find(name).machine, execution, "SUCCEEDED")
    if "output" not in found:
        raise click.ClickException(f"{found['name']} is {found['status']}: only one that succeeded has a report.")
    output = json.loads(found["output"])
    uri = output.get("reportUri") or output["evaluation"]["reportUri"]
    file = (folder or Path("reports") / found["name"]) / "report.html"
    _download(uri, file)
    if as_json:
        answer({"arn": found["executionArn"], "uri": uri, "file": str(file.absolute())})
        return
    click.echo(f"The report is {file}")
    if opens and sys.stdout.isatty():
        webbrowser.open(file.absolute().as_uri())


def _download(uri: str, file: Path) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        boto3.client("s3").download_file(bucket, key, str(file))
    except ClientError as error:
        raise click.ClickException(f"{uri} cannot be fetched: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
