"""The pages for people (dataset card, evaluation, execution): one style, and one way to make them of templates.

A page needs no other file and no network. Whatever is put into it is escaped.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_HERE = Path(__file__).parent


def environment(templates: Path) -> Environment:
    """Jinja for the templates in a folder, which may use `pages.html.j2` and `tables.html.j2`."""
    made = Environment(
        loader=FileSystemLoader([templates, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = Markup((_HERE / "pages.css").read_text(encoding="utf-8"))
    made.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    made.filters["points"] = lambda share: f"{100 * share:+.1f}"
    return made
