"""`--json`: one document on stdout and nothing else there."""

import json
from datetime import datetime
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document, for programs.")


def answer(document: Any) -> None:
    """Print it; times are told in ISO 8601."""
    click.echo(json.dumps(document, indent=2, default=_told))


def _told(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.isoformat(timespec="seconds")
