"""drift: whether the endpoint's photos are still such as its model was evaluated with."""

import json
import sys
import webbrowser
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from console.deployment import by_name, find
from console.functions import FunctionFailed, call
from console.json_output import answer, as_json


@click.command()
@click.option("--now", is_flag=True, help="Look at what has been captured since the last look.")
@click.option("--open", "opens", is_flag=True, help="Fetch the page into drift/DATE/, and open it from a terminal.")
@by_name
@as_json
def drift(now: bool, opens: bool, name: str, as_json: bool) -> None:
    """Show the newest comparison of live photos with the test photos."""
    outputs = find(name).outputs
    if "DriftFunction" not in outputs:
        raise click.ClickException(
            f"{name} does not watch for drift: deploy it with the setting capturePercent above 0, and driftSchedule "
            "not off."
        )
    result = _look(outputs["DriftFunction"]) if now else _newest(outputs["DriftResult"])
    page = _fetched(result["page"]) if opens else None
    if as_json:
        answer(result | ({"file": str(page.absolute())} if page else {}))
    else:
        _tell(result, Console())
    if page and not as_json:
        click.echo(f"The page is {page}")
        if sys.stdout.isatty():
            webbrowser.open(page.absolute().as_uri())


def _look(function: str) -> dict[str, Any]:
    try:
        with Console(stderr=True).status("Looking at the photos, which can take some minutes"):
            return call(function, {})
    except FunctionFailed as failure:
        raise click.ClickException(f"The look failed: {failure.message}") from None


def _newest(uri: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_read(uri))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise click.ClickException("Nobody has looked yet; `drift --now` looks.") from None
    return found


def _fetched(uri: str) -> Path:
    file = Path(*uri.split("/")[-3:])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_read(uri))
    return file


def _read(uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def _tell(result: dict[str, Any], console: Console) -> None:
    heading = {True: "Drift", False: "No drift", None: "Not known"}[result["drift"]]
    console.print(f"{heading}, {result['time']}, {result['photos']} photos: {result['reason']}", highlight=False)
    if result["quantities"]:
        table = Table("Quantity", "Then", "Now", "Distance", "p", "Verdict", box=None, pad_edge=False)
        for found in result["quantities"]:
            distance, p = f"{found['distance']:.3f}", f"{found['pValue']:.4f}"
            style = "red" if found["drifted"] else ""
            table.add_row(found["title"], found["then"], found["now"], distance, p, found["verdict"], style=style)
        console.print(table)
    if result["execution"]:
        console.print(f"It started {result['execution']}", soft_wrap=True)
    console.print(f"Page: {result['page']}", soft_wrap=True)
