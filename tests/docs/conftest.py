import os
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread

import pytest
from reading import ROOT

SITE = ROOT / "docs" / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BUILD = 'pip install -e ".[docs]" && sphinx-build -W -n docs docs/_build/html'


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").exists():
        pytest.skip(f"the site is not built: {BUILD}")
    return SITE


@pytest.fixture(scope="session")
def server(site):
    """The address of the site on a static host."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Chromium that reports its console and its requests."""
    chrome = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not chrome or not driver or find_spec("selenium") is None:
        message = 'needs a browser: apt-get install chromium chromium-driver, pip install ".[test]"'
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(driver)
    with webdriver.Chrome(options=options, service=service) as window:
        yield window
