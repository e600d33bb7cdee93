"""The site as a reader meets it: in a browser, from a folder and from a static host."""

from urllib.parse import quote

import pytest
from reading import emulate, faults, requests, wait_until

READY = "return document.readyState == 'complete' && (!window.MathJax || !!MathJax.startup.promise)"
TYPESET = """
const done = arguments[0];
(window.MathJax ? MathJax.startup.promise : Promise.resolve()).then(() => done(true));
"""
WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNSEEN = """
return [...document.images].filter(image => {
  image.loading = 'eager';
  return image.checkVisibility() && image.complete && !image.naturalWidth;
}).map(image => image.src)
"""
RAW = """
const copy = document.body.cloneNode(true);
copy.querySelectorAll('pre, code, script, style, mjx-container').forEach(part => part.remove());
return (copy.textContent.match(/\\\\[([]|\\\\[a-z]{2,}/g) || []).join(' ');
"""
SQUEEZED = """
return [...document.querySelectorAll('article td')].filter(cell => {
  const letters = cell.innerText.length;
  return letters > 20 && cell.clientWidth && cell.clientWidth < 70;
}).map(cell => cell.innerText)
"""
CONTRAST = """
const light = colour => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(v => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const text = light(getComputedStyle(document.querySelector('article p') || document.body).color);
const page = light(getComputedStyle(document.body).backgroundColor);
return [page, (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05)];
"""


def visit(browser, address):
    """Open a page, wait until its math is set; what went wrong and what was requested."""
    faults(browser), requests(browser)
    browser.get(address)
    assert wait_until(lambda: browser.execute_script(READY))
    browser.execute_async_script(TYPESET)
    return faults(browser), requests(browser)


def pages(site):
    """All but the sources."""
    found = [path for path in sorted(site.rglob("*.html")) if "_modules" not in path.parts]
    assert len(found) > 40
    return found


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_every_page_is_readable_and_quiet(site, browser, width, theme):
    emulate(browser, width, theme)
    wrong = {}
    for page in pages(site):
        said, requested = visit(browser, page.as_uri())
        background, contrast = browser.execute_script(CONTRAST)
        found = {
            "on the console": said,
            "from elsewhere": [
                url for url in requested if not url.startswith(("file:", "data:", "blob:"))
            ],
            "scrolls sideways by": max(browser.execute_script(WIDE), 0),
            "images that do not show": browser.execute_script(UNSEEN),
            "squeezed": browser.execute_script(SQUEEZED),
            "contrast": contrast if contrast <= 7 else 0,
            "of the other theme": background > 0.1 if theme == "dark" else background < 0.9,
        }
        if faulty := {what: value for what, value in found.items() if value}:
            wrong[page.relative_to(site).as_posix()] = faulty
    assert not wrong


def test_every_formula_is_typeset(site, browser):
    count, formulas, wrong = "return document.querySelectorAll(arguments[0]).length", 0, {}
    for page in pages(site):
        visit(browser, page.as_uri())
        wanted = browser.execute_script(count, ".math")
        found = {
            "not set": wanted - browser.execute_script(count, ".math mjx-container svg"),
            "errors": browser.execute_script(count, "[data-mjx-error], mjx-merror"),
            "raw": browser.execute_script(RAW),
        }
        formulas += wanted
        if any(found.values()):
            wrong[page.relative_to(site).as_posix()] = found
    assert not wrong
    assert formulas > 50


@pytest.mark.parametrize("host", ["folder", "server"])
def test_search_finds_a_layer(site, server, browser, host):
    root = site.as_uri() if host == "folder" else server
    wrong, requested = visit(browser, f"{root}/search.html?q=ComplementGraclusPool")
    links = wait_until(lambda: browser.find_elements("css selector", "#search-results li a"))
    assert any(
        "layers/complement_graclus_pool.html" in link.get_attribute("href") for link in links
    )
    assert not wrong + faults(browser)
    assert all(url.startswith((root, "data:")) for url in requested + requests(browser))


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("Lightning", "lightning_and_graphgym"),
        ("GraphGym", "lightning_and_graphgym"),
        ("custom layer", "unknown_layer"),
        ("LaTeX", "command_line"),
        ("BibTeX", "cite"),
        ("SLURM", "gpu_and_clusters"),
        ("NaN", "faq"),
    ],
)
def test_search_finds_what_a_reader_may_ask_for(site, browser, words, page):
    visit(browser, f"{site.as_uri()}/search.html?q={quote(words)}")
    wait_until(lambda: browser.find_elements("css selector", "#search-results li a"))
    links = browser.find_elements("css selector", "#search-results li a")
    assert any(f"/{page}.html" in link.get_attribute("href") for link in links)


def test_search_field_of_any_page_leads_to_results(site, browser):
    emulate(browser, 1280, "light")
    visit(browser, (site / "verdict.html").as_uri())
    browser.find_element("css selector", ".sidebar-search").send_keys("margin\n")
    assert wait_until(lambda: browser.find_elements("css selector", "#search-results li a"))


def test_copied_code_is_the_code_alone(site, browser):
    from selenium.webdriver import ActionChains, Keys

    emulate(browser, 1280, "light")
    visit(browser, (site / "layers" / "graclus_pool.html").as_uri())
    browser.execute_script("document.body.prepend(document.createElement('textarea'))")
    field = browser.find_element("css selector", "textarea")
    button = browser.find_element("css selector", "dl.class .highlight button.copybtn")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)

    def pasted():
        ActionChains(browser).move_to_element(button).click().perform()
        field.clear()
        field.send_keys(Keys.CONTROL, "v")
        code = field.get_property("value")
        return code if code.startswith("import torch\npath = torch.tensor") else ""

    code = wait_until(pasted)  # browsers share a clipboard, and another may just have copied
    assert code
    assert ">>>" not in code
    namespace = {}
    exec("from graphpool_sanity import GraclusPool\n" + code, namespace)
    assert namespace["out"].cluster.tolist() == [0, 0, 1, 1]


def test_theme_can_be_switched(site, browser):
    emulate(browser, 1280, "light")
    visit(browser, (site / "index.html").as_uri())
    before = browser.execute_script(CONTRAST)[0]
    toggle = browser.find_element("css selector", ".theme-toggle-content button.theme-toggle")
    themes = set()
    for _ in range(3):
        browser.execute_script("arguments[0].click()", toggle)
        themes.add(browser.execute_script("return document.body.dataset.theme"))
    assert themes == {"light", "dark", "auto"}
    assert before > 0.9
