"""A browser to look through: Debian's Chromium over the WebDriver protocol (W3C), spoken by the standard library."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from tests.integration.world import eventually
from tests.ports import free_port

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def find_chromium() -> tuple[str, str] | None:
    """The browser and its driver, where both are installed."""
    browser, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One window. What pages logged and asked for is kept from the first page on."""

    def __init__(self, browser: str, driver: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="tocsin-browser-", ignore_cleanup_errors=True)
        port = free_port()
        self._driver = subprocess.Popen(
            [driver, f"--port={port}", "--log-level=SEVERE"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=dict(os.environ) | {"HOME": self._profile.name},
        )  # fmt: skip
        self._at = f"http://127.0.0.1:{port}"
        eventually(self._is_up, 20, "chromedriver's answer")
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": browser, "args": [*_FLAGS, f"--user-data-dir={self._profile.name}/profile"]},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }  # fmt: skip
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{made['sessionId']}"
        self.resize(1440, 900)

    def close(self) -> None:
        try:
            self._ask("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(10)
            self._profile.cleanup()

    def open(self, url: str) -> None:
        self._do("POST", "/url", {"url": url})

    def resize(self, width: int, height: int) -> None:
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, **features: str) -> None:
        """What the system is said to prefer, such as color_scheme="dark"."""
        values = [{"name": "prefers-" + name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.cdp("Emulation.setEmulatedMedia", features=values)

    def cdp(self, command: str, **params: object) -> object:
        return self._do("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def run(self, script: str, *args: object) -> object:
        """What the function body `script` returns in the page."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(args)})

    def texts(self, selector: str) -> list[str]:
        return self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())", selector)

    def text(self, selector: str) -> str:
        return "\n".join(self.texts(selector))

    def click(self, selector: str) -> None:
        self._do("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._do("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def press(self, key: str) -> None:
        strokes = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._do("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def choose(self, selector: str, value: str) -> None:
        """Choose an option as a user does, with the events that follow."""
        script = "const e = document.querySelector(arguments[0]); e.value = arguments[1];"
        self.run(script + "e.dispatchEvent(new Event('input', {bubbles: true}))", selector, value)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._do("GET", "/screenshot")))

    def console(self) -> list[str]:
        """What was logged as a warning or an error since the last time."""
        said = self._do("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in said if entry["level"] in ("WARNING", "SEVERE")]

    def requested(self) -> list[str]:
        """Every address that was asked for since the last time."""
        events = (json.loads(e["message"])["message"] for e in self._do("POST", "/se/log", {"type": "performance"}))
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def _find(self, selector: str) -> str:
        return self._do("POST", "/element", {"using": "css selector", "value": selector})[_ELEMENT]

    def _do(self, method: str, path: str, body: object = None):
        return self._ask(method, self._session + path, body)

    def _ask(self, method: str, path: str, body: object = None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._at + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def _is_up(self) -> bool:
        try:
            return bool(self._ask("GET", "/status")["ready"])
        except OSError:
            return False
