"""The page of a whole execution in headless Chromium: on a phone and a desk, in light and dark, for everybody."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_execution_report import CODE, ENDS

from execution_report.page import render
from tests.browser import Browser, running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.mark.parametrize(("width", "dark"), [(375, False), (1280, True)], ids=["phone", "dark"])
@pytest.mark.parametrize("end", ["deployed", "rejected", "failed early", "failed late"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    browser: Browser, tmp_path: Path, end: str, width: int, dark: bool
) -> None:
    page = tmp_path / "index.html"
    page.write_text(render(ENDS[end], CODE))
    browser.look(width=width, dark=dark)
    browser.open(page.as_uri())
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    # Nothing is fetched: all that the page shows is in the file.
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    found = browser.violations()
    assert not found, json.dumps(found, indent=1)
