"""A look as one page that needs no other file."""

from pathlib import Path
from typing import Any

from pages import environment


def render(result: dict[str, Any]) -> str:
    """The page of what `watch_drift` found."""
    templates = environment(Path(__file__).parent)
    templates.filters["p"] = lambda p: "below 0.0001" if p < 1e-4 else f"{p:.4f}"
    return templates.get_template("page.html.j2").render(result=result, title=title(result["drift"]))


def title(drift: bool | None) -> str:
    """What was found, in a few words."""
    return {True: "Drift: the photos have changed", False: "No drift", None: "Drift cannot be told"}[drift]
