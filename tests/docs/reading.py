"""What a reader meets on a page of the site."""

import json
from html.parser import HTMLParser
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).parents[2]

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "srcset"}
VOID = {"stylesheet", "icon", "preload"}


class Page(HTMLParser):
    """Links, anchors, what the page loads, and images without a text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.silent_images: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and VOID & set(given.get("rel", "").split()):
            self.loaded.append(given["href"])
        if given.get(LOADED.get(tag)):
            self.loaded.append(given[LOADED[tag]])
        # A thumbnail stands beside the title of its page: there is nothing to add in words.
        if tag == "img" and not given.get("alt") and "_thumb." not in given["src"]:
            self.silent_images.append(given["src"])


def is_internal(link: str) -> bool:
    parts = urlsplit(link)
    return not parts.scheme and not parts.netloc


def target_of(page: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor that an internal link leads to."""
    path, anchor = urldefrag(link)
    path = unquote(path.partition("?")[0])
    return (page.parent / path).resolve() if path else page, unquote(anchor)


def wait_until(condition, seconds=20):
    """What the condition gives, once it gives something."""
    end = monotonic() + seconds
    while not (found := condition()) and monotonic() < end:
        sleep(0.05)
    return found


def faults(browser) -> list[str]:
    """What went wrong on the console since it was last asked for."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def requests(browser) -> list[str]:
    """What was requested since it was last asked for."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = (event for event in events if event["method"] == "Network.requestWillBeSent")
    return [event["params"]["request"]["url"] for event in sent]


def emulate(browser, width: int, theme: str) -> None:
    """A screen so wide, and the theme that its user prefers."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": theme}]},
    )
