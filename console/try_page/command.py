"""try: a page that asks an endpoint about photos."""

import sys
import threading
import webbrowser

import click

from console.deployment import by_name
from console.try_page.endpoint import Endpoint
from console.try_page.labelled_photos import LabelledPhotos
from console.try_page.server import PageServer


@click.command("try")
@click.option("--endpoint", help="The endpoint's name.  [default: the deployment's]")
@click.option("--execution", help="Whose test photos are offered.  [default: the newest that succeeded]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1.  [default: a free one]")
@click.option("--no-open", is_flag=True, help="Only print the address.")
@by_name
def try_(endpoint: str | None, execution: str | None, port: int, no_open: bool, name: str) -> None:
    """Serve a page that asks the endpoint about photos, until Ctrl-C."""
    photos = LabelledPhotos(name, execution)
    try:
        server = PageServer(port, Endpoint(endpoint or name), photos)
    except OSError as error:
        raise click.ClickException(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from None
    with server:
        click.echo(f"{server.url} asks the endpoint {endpoint or name}, until Ctrl-C.")
        if sys.stdout.isatty() and not no_open:
            # A browser of the terminal's kind stays until it is left.
            threading.Thread(target=webbrowser.open, args=[server.url], daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Ended.")
