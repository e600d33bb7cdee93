"""The page in a browser: headless Chromium, if this machine has one with its driver."""

import json
import shutil

import pytest
from _helpers.reports import report

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
selenium = pytest.importorskip("selenium.webdriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver on the PATH"
)


@pytest.fixture(scope="module")
def driver():
    options = selenium.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options, selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


def show(driver, page, width, scheme):
    scheme = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(page.as_uri())


def requests(driver):
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [params["request"]["url"] for params in sent]


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_shows_without_errors_or_requests(driver, tmp_path, width, scheme):
    page = report().save(tmp_path)
    show(driver, page, width, scheme)
    assert driver.get_log("browser") == []
    fetched = [url for url in requests(driver) if not url.startswith("data:")]
    assert fetched == [page.as_uri()]
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    shown = driver.execute_script(
        "return [...document.images].map(i => [i.complete, i.naturalWidth, i.alt.length])"
    )
    assert len(shown) == 2
    assert all(complete and width > 0 and alt > 20 for complete, width, alt in shown)


def test_dark_mode_is_dark_with_figures_to_match(driver, tmp_path):
    page = report().save(tmp_path)
    seen = {}
    for scheme in ("light", "dark"):
        show(driver, page, 1200, scheme)
        seen[scheme] = driver.execute_script(
            "return [getComputedStyle(document.body).backgroundColor, "
            "...[...document.images].map(i => i.currentSrc)]"
        )
    assert seen["light"][0] == "rgb(255, 255, 255)"
    assert all(a != b for a, b in zip(seen["light"], seen["dark"], strict=True))
