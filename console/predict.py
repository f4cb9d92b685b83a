"""predict: ask an endpoint how many items are in a photo, through the SageMaker SDK's own client."""

import logging
from pathlib import Path

import boto3
import click
from botocore.exceptions import ClientError
from rich.console import Console

from console.views.next_command import NAME

_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--endpoint", "--name", "endpoint", default=NAME, show_default=True, help="The endpoint's name.")
@click.option("--json", is_flag=True, expose_value=False, help="The answer is JSON in any case.")
def predict(image: Path, endpoint: str) -> None:
    """Ask the endpoint about a photo. Prints its answer, a JSON document."""
    with Console(stderr=True).status("Asking the endpoint"):
        answer = _ask(image, endpoint)
    click.echo(answer)


def _ask(image: Path, endpoint: str) -> str:
    logging.getLogger("sagemaker").setLevel(logging.ERROR)
    from sagemaker.core.resources import Endpoint  # takes seconds, which no other command has to wait for

    content_type = _TYPES.get(image.suffix.lower(), "application/x-image")
    session = boto3.Session()
    try:
        answer = Endpoint(endpoint_name=endpoint).invoke(
            body=image.read_bytes(), content_type=content_type, session=session, region=session.region_name
        )
    except ClientError as error:
        # What the model says for itself is in a field of its own.
        raise click.ClickException(str(error.response.get("OriginalMessage") or error)) from None
    told: str = answer.body.read().decode()
    return told
