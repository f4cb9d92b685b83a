"""The page of a whole execution in headless Chromium: on a phone and a desk, in light and dark, for everybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_execution_report import CODE, ENDS

from execution_report.page import render
from tests.browser import Browser, check_page, running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.mark.parametrize(("width", "dark"), [(375, False), (1280, True)], ids=["phone", "dark"])
@pytest.mark.parametrize("end", ["deployed", "rejected", "failed early", "failed late"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    browser: Browser, tmp_path: Path, end: str, width: int, dark: bool
) -> None:
    check_page(browser, render(ENDS[end], CODE), tmp_path, width=width, dark=dark)
