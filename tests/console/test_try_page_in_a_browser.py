"""The page that asks an endpoint, as a person has it: clicks, keys and drops in headless Chromium."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from console.try_page.endpoint import MAXIMUM_BODY
from console.try_page.server import PageServer
from tests.browser import Browser, running_browser
from tests.console.fake_aws import Answer, FakeAws, counted, of_model
from tests.console.served_page import pointed_at_fake_aws, serving

NO_PHOTO = "The photo is damaged or no photo: cannot identify image file."


def drawn(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), (shade, 120, 90)).save(file, "JPEG")
    return file.getvalue()


TWO, THREE = drawn(40), drawn(200)


def answer(body: bytes) -> Answer:
    """Two items, whatever the photo; what is none is refused."""
    return counted(2, 0.11, 0.52, 0.214, 0.1, 0.056) if body[:2] == b"\xff\xd8" else of_model(NO_PHOTO, 400)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    with pointed_at_fake_aws(monkeypatch) as fake:
        fake.endpoints["stocktake"] = answer
        fake.succeeded("first-run", {"523": (TWO, 2), "777": (THREE, 3)})
        yield fake


@pytest.fixture
def page(aws: FakeAws) -> Iterator[PageServer]:
    with serving() as server:
        yield server


@pytest.fixture
def browser(chromium: Browser, page: PageServer) -> Browser:
    chromium.look()
    chromium.open(page.url)
    chromium.wait_for("document.querySelectorAll('#strip button').length || !from.textContent.startsWith('Looking')")
    return chromium


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "bin.jpg"
    file.write_bytes(TWO)
    return file


def cards(browser: Browser, number: int) -> list[str]:
    """What the cards say, the newest first, when there are so many and none waits."""
    browser.wait_for(
        f"document.querySelectorAll('.card').length === {number} && !document.querySelector('[aria-busy=\"true\"]')"
    )
    texts: list[str] = browser.evaluate("[...document.querySelectorAll('.card')].map((card) => card.innerText)")
    return texts


def test_test_photos_are_clicked_and_right_and_wrong_are_told_by_text_and_colour(browser: Browser) -> None:
    assert "test photos of execution first-run" in browser.text("#from")
    browser.click("#strip li:nth-child(1) button")
    browser.click("#strip li:nth-child(2) button")
    wrong, right = cards(browser, 2)
    assert "2 items" in right
    assert "✓ Right: the label says 2" in right
    assert "✗ Wrong: the label says 3" in wrong
    assert browser.text("#score") == "1 of 2 with a label right"
    colours = browser.evaluate("[...document.querySelectorAll('.verdict')].map((one) => getComputedStyle(one).color)")
    assert len(set(colours)) == 2


def test_several_photos_are_dropped_at_once_and_shown_with_bars_model_and_time(
    aws: FakeAws, browser: Browser, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(THREE)
    browser.drop(".drop", [photo, other])
    texts = cards(browser, 2)
    assert {name for text in texts for name in ("bin.jpg", "other.jpg") if name in text} == {"bin.jpg", "other.jpg"}
    assert sorted(body for _, body in aws.asked) == sorted([TWO, THREE])
    assert "stocktake-models, version 3" in texts[0]
    assert "label says" not in texts[0]
    rows = browser.evaluate("""[...document.querySelector('.card').querySelectorAll('tr')].map((row) =>
        [row.className, row.innerText.replace(/\\s+/g, ' ').trim(), row.querySelector('i').style.width])""")
    assert rows == [
        ["", "1 item 11 %", "11%"],
        ["counted", "2 items 52 %", "52%"],
        ["", "3 items 21 %", "21.4%"],
        ["", "4 items 10 %", "10%"],
        ["", "5 items 5.6 %", "5.6%"],
    ]
    browser.wait_for("[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert browser.evaluate(
        "[...document.querySelectorAll('dd')].some((one) => /^\\d+\\.\\d\\d s$/.test(one.innerText))"
    )


def test_a_photo_that_misses_the_box_does_not_take_the_pages_place(browser: Browser, photo: Path) -> None:
    browser.drop("#endpoint", [photo])
    assert "2 items" in cards(browser, 1)[0]


def test_errors_are_the_endpoints_own_sentences_and_can_be_asked_again(
    aws: FakeAws, browser: Browser, tmp_path: Path
) -> None:
    # given what is no photo, and one that is too large
    text, large = tmp_path / "notes.jpg", tmp_path / "large.jpg"
    text.write_bytes(b"not a photo")
    with large.open("wb") as file:
        file.truncate(MAXIMUM_BODY + 1)
    # when they are chosen, then each says why, and the large one stays here
    browser.choose("#files", [text, large])
    of_large, of_text = cards(browser, 2)
    assert NO_PHOTO in of_text
    assert "The photo has 6.3 MB; the endpoint takes at most 6." in of_large
    assert len(aws.asked) == 1
    # and when the endpoint has a model that answers, asking again helps
    aws.endpoints["stocktake"] = lambda _: counted(1, 1, 0, 0, 0, 0)
    browser.click("li:nth-child(2) .failed button")
    assert "1 item" in cards(browser, 2)[1]


def test_no_endpoint_no_photos_and_no_server_are_sentences(
    aws: FakeAws, chromium: Browser, page: PageServer, photo: Path
) -> None:
    # given a deployment without a model
    aws.endpoints.clear()
    aws.executions.clear()
    chromium.open(page.url)
    chromium.wait_for("document.querySelector('#from').innerText.startsWith('There are no test photos yet')")
    assert chromium.evaluate("document.querySelector('#strip').hidden")
    chromium.choose("#files", [photo])
    assert "There is no endpoint stocktake in us-east-1: no model has been deployed yet" in cards(chromium, 1)[0]
    # and then its server has ended
    page.shutdown()
    page.server_close()
    chromium.choose("#files", [photo])
    assert "The program behind this page has ended." in cards(chromium, 2)[0]


def test_the_keyboard_and_a_screen_reader_are_enough(browser: Browser) -> None:
    # given the photo chooser and the photos in the order of the page, when a photo is reached by keys
    focused = "document.activeElement.id || document.activeElement.getAttribute('aria-label')"
    browser.press("Tab")
    assert browser.evaluate(focused) == "files"
    assert browser.evaluate("getComputedStyle(document.querySelector('.drop')).outlineStyle") == "solid"
    while browser.evaluate(focused) != "Ask about test photo 777, label: 3":
        browser.press("Tab")
    browser.press("Enter", "\r")
    # then its answer is read out
    cards(browser, 1)
    assert browser.evaluate("document.querySelector('[role=log]').textContent") == (
        "777: 2 items. Wrong: the label says 3"
    )
    browser.click("#clear")
    assert browser.evaluate("document.querySelector('#results').hidden")
    assert browser.evaluate(focused) == "files"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    browser: Browser, photo: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    broken = tmp_path / "a-photo-with-a-name-that-is-much-longer-than-any-phone-is-wide-0000000000000001.jpg"
    broken.write_bytes(b"none")
    browser.look(width=width, dark=dark)
    for selector in ("#strip li:nth-child(1) button", "#strip li:nth-child(2) button"):
        browser.click(selector)
    browser.choose("#files", [photo, broken])
    cards(browser, 4)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    found = browser.violations()
    assert not found, json.dumps(found, indent=1)
