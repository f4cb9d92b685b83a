"""Read a plot as its reader sees it: lines, marks and words."""

import re
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def lines(drawing: str, name: str) -> list[list[tuple[float, float]]]:
    """The points of every line that was drawn under a name, in the drawing's coordinates: y grows downwards."""
    paths = [path.get("d", "") for group in _groups(drawing, name) for path in group.findall(f"{SVG}path")]
    return [[(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path)] for path in paths]


def marks(drawing: str, name: str) -> list[tuple[float, float]]:
    """Where every mark that was drawn under a name lies."""
    uses = [use for group in _groups(drawing, name) for use in group.iter(f"{SVG}use")]
    return [(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in uses]


def words(drawing: str) -> dict[str, tuple[float, float]]:
    """Where each written word begins, ends or is centred."""
    found = ElementTree.fromstring(drawing).iter(f"{SVG}text")
    return {word.text or "": (float(word.get("x", "nan")), float(word.get("y", "nan"))) for word in found}


def style(drawing: str, name: str) -> list[str]:
    """How every line that was drawn under a name is drawn."""
    return [path.get("style", "") for group in _groups(drawing, name) for path in group.findall(f"{SVG}path")]


def _groups(drawing: str, name: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(drawing).findall(f".//{SVG}g[@class='{name}']")
