"""Headless Chromium (packages chromium, chromium-driver, python3-selenium), and all that it complains about."""

import base64
import contextlib
import json
import os
import pathlib
import tempfile
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from waiting import until

_ARGUMENTS = ("--headless=new", "--no-first-run", "--disable-background-networking", "--disable-component-update",
              "--disable-default-apps", "--disable-extensions", "--disable-sync", "--disable-dev-shm-usage",
              "--hide-scrollbars", "--force-color-profile=srgb")


class Browser:
    """Chromium with one tab. `complaints` of its console and `origins` are those since the tab was opened."""

    def __init__(self, folder: pathlib.Path):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (*_ARGUMENTS, f"--user-data-dir={folder}"):
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # which Chromium has none of as root
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self._driver.set_script_timeout(20)
        self._complaints, self._requests = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._driver.quit()

    def open_tab(self, url: str, width: int = 1320, height: int = 900, scheme: str = "light", scripts: bool = True):
        """In place of the old one, of which nothing stays but what all tabs share."""
        old = self._driver.current_window_handle
        self._driver.switch_to.new_window("tab")
        new = self._driver.current_window_handle
        self._driver.switch_to.window(old)
        self._driver.close()
        self._driver.switch_to.window(new)
        self._read_logs()
        self._complaints, self._requests = [], []
        self.resize(width, height)
        self.color_scheme(scheme)
        self.scripts(scripts)
        self.open(url)

    def command(self, name: str, **parameters):
        """Of the DevTools protocol."""
        return self._driver.execute_cdp_cmd(name, parameters)

    def resize(self, width: int, height: int, scale: float = 1.0):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                     mobile=width < 600)

    def color_scheme(self, scheme: str):
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, are_run: bool):
        """From the next page on."""
        self.command("Emulation.setScriptExecutionDisabled", value=not are_run)

    def press(self, key: str):
        """On whatever has the focus."""
        keys = {"Enter": Keys.ENTER, "Escape": Keys.ESCAPE, "Tab": Keys.TAB}
        webdriver.ActionChains(self._driver).send_keys(keys[key]).perform()

    def open(self, url: str):
        self._driver.get(url)

    # --- what is on the page

    def find(self, selector: str):
        """The first element, or None."""
        found = self._driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0] if found else None

    def all(self, selector: str):
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """As it is seen; "" where there is no such element."""
        return next(iter(self.texts(selector)), "")

    def texts(self, selector: str):
        # A page may replace an element after it was found and before it is asked.
        for _ in range(20):
            with contextlib.suppress(StaleElementReferenceException):
                return [element.text for element in self.all(selector)]
        return [element.text for element in self.all(selector)]

    def until_text(self, selector: str, part: str, seconds: float = 20.0):
        until(lambda: part in self.text(selector), f"{part!r} in {selector}", seconds, every=0.1)

    def run(self, script: str, *arguments):
        """What the body of a function returns, or the promise that it returns."""
        return self._driver.execute_script(script, *arguments)

    def save_picture(self, file: pathlib.Path, whole: bool = False):
        if not whole:
            self._driver.save_screenshot(str(file))
            return
        import base64
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return window.innerWidth")
        got = self.command("Page.captureScreenshot", captureBeyondViewport=True,
                           clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        file.write_bytes(base64.b64decode(got["data"]))

    # --- what it complains about, and whom it asks

    def _read_logs(self):
        self._complaints += [entry["message"] for entry in self._driver.get_log("browser")]
        for entry in self._driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requests.append(message["params"]["request"]["url"])

    def complaints(self):
        """Lines of the console: errors of scripts, violated policies, files that weren't there."""
        self._read_logs()
        return self._complaints

    def origins(self):
        """Everybody who was asked for anything, as host:port."""
        self._read_logs()
        urls = [urllib.parse.urlsplit(url) for url in self._requests]
        return {f"{url.hostname}:{url.port}" for url in urls if url.scheme in ("http", "https", "ws", "wss", "ftp")}


@contextlib.contextmanager
def chromium(folder: pathlib.Path):
    """A browser with a private folder in this one."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="browser-", ignore_cleanup_errors=True) as name, \
            Browser(pathlib.Path(name)) as browser:
        yield browser
