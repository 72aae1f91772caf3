"""A headless Chromium that opens pages from disk, and says what it asked for, what went wrong, and what it shows."""

import base64
import importlib.util
import json
import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAITS = 20


def missing():
    """Return which program is not there to open a page with; nothing where all are."""
    if not any(map(shutil.which, BROWSERS)):
        return "there is no chromium: apt-get install chromium"
    return "" if shutil.which("chromedriver") else "there is no chromedriver: apt-get install chromium-driver"


def check_packages():
    """Fail where the packages are missing that `pip install -e '.[dev]'` brings, while the programs are there."""
    for package in ("selenium", "axe_core_python"):
        if importlib.util.find_spec(package) is None:
            pytest.fail(f"{package} is not installed: pip install -c constraints.txt -e '.[dev]'", pytrace=False)


class Browser:
    """One window, with the pages that it opens from a directory."""

    def __init__(self, directory: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(180)
        self.directory = directory

    def open(self, text, *, width=1280, height=900, dark=False, anchor="", scripts=True):
        """Open a page of this text, at a width in pixels, and forget what earlier pages did."""
        page = self.directory / "index.html"
        page.write_text(text, encoding="utf-8")
        self.driver.get("about:blank")
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        shade = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[shade])
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(page.as_uri() + anchor)

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script, *arguments):
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script):
        """Wait until a script returns something."""
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.driver, WAITS).until(lambda _: self.run(script))

    def shown(self, selector):
        """Return the ids of the elements that are shown."""
        return self.run(
            "return Array.from(document.querySelectorAll(arguments[0])).filter(e => e.checkVisibility()).map(e => e.id)",
            selector,
        )

    def complaints(self):
        """Return what stands in the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Return the addresses of all that was asked for, other than the page itself and its empty icon."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        own = (self.directory / "index.html").as_uri()
        return [address for address in asked if address.partition("#")[0] not in (own, "data:,")]

    def overflow(self):
        """Return how many pixels the page is wider than its window."""
        return self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def pages_printed(self):
        """Return how many sheets of A4 the page takes."""
        printed = self.command("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)
        return len(re.findall(rb"/Type\s*/Page[^s]", base64.b64decode(printed["data"])))

    def violations(self):
        """Return what axe-core finds wrong, each with the first elements that it is found at."""
        self.run((resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
        return self.driver.execute_async_script(
            "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(found => done(found.violations.map("
            "v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ')}`)),"
            "error => done([String(error)]))"
        )


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Return a browser; tests that need one are skipped where there is none."""
    if lacking := missing():
        pytest.skip(lacking)
    check_packages()
    made = Browser(tmp_path_factory.mktemp("page"))
    yield made
    made.driver.quit()
