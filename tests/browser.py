"""Headless Chromium for tests, driven through its own DevTools protocol on a pipe: no driver, no port."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.emulator import end

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars")
AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 300.0
"""Seconds after which a test no longer waits. Only a fault costs them, so they suit the busiest machine."""


class Browser:
    """One tab. Protocol: https://chromedevtools.github.io/devtools-protocol/"""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._buffer = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask for one thing and wait for its result; events are passed over."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._read], [], [], PATIENCE)[0], "Chromium does not answer"
            chunk = os.read(self._read, 1 << 20)
            assert chunk, "Chromium has ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or what it promises, in the page."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Until an expression in the page has a value that JavaScript takes for true."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"!!({script})"):
            assert time.monotonic() < deadline, f"not in time: {script}; the page: {self.text()}"
            time.sleep(0.05)

    def open(self, url: str) -> None:
        """A new page, when all of it is there."""
        loader = self.call("Page.navigate", url=url)["loaderId"]
        deadline = time.monotonic() + PATIENCE
        while self.call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"] != loader:
            assert time.monotonic() < deadline, f"{url} is not there in time"
        self.wait_for("document.readyState === 'complete'")

    def text(self, selector: str = "body") -> str:
        """What a person reads there."""
        read: str = self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")
        return read

    def click(self, selector: str) -> None:
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, text: str = "") -> None:
        codes = {"Tab": 9, "Enter": 13}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text, windowsVirtualKeyCode=codes[key]
            )

    def choose(self, selector: str, files: Sequence[Path]) -> None:
        """As a person does in the dialogue of an `<input type="file">`."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def drop(self, selector: str, files: Sequence[Path]) -> None:
        x, y = self._middle(selector)
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def look(self, *, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """A window's size, and whether the person likes it dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, file: Path) -> None:
        """The whole page, below the window too."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(taken["data"]))

    def violations(self) -> list[dict[str, Any]]:
        """What axe finds against accessibility in the page. Skips the test where axe is not installed."""
        if not AXE.is_file():
            pytest.skip("axe-core is not in node_modules; `make setup` installs it")
        self.evaluate(AXE.read_text() + "; true")
        assert self.evaluate("axe.run().then((result) => result.passes.length)") > 10
        found: list[dict[str, Any]] = self.evaluate("axe.run().then((result) => result.violations)")
        return found

    def _middle(self, selector: str) -> tuple[float, float]:
        found = self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            if (!element) return null;
            element.scrollIntoView({{ block: "center", inline: "center", behavior: "instant" }});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        assert found, f"{selector} is not in the page: {self.text()}"
        x, y = found
        return x, y


def check_page(browser: Browser, page: str, folder: Path, *, width: int, dark: bool = False) -> None:
    """A page that stands alone: axe finds nothing, nothing is wider than the window, and nothing is fetched."""
    file = folder / "index.html"
    file.write_text(page)
    browser.look(width=width, dark=dark)
    browser.open(file.as_uri())
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    found = browser.violations()
    assert not found, json.dumps(found, indent=1)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium; end it afterwards. Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"there is no Chromium on this machine; one of {', '.join(NAMES)} would be taken")
    command = [program, *FLAGS, *QUIET]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            # Chromium reads its file 3 and writes its file 4.
            ["sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null', "sh", *command, f"--user-data-dir={profile}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        with process:
            assert process.stdin
            assert process.stdout
            try:
                yield Browser(process.stdin.fileno(), process.stdout.fileno())
            finally:
                end(process)
