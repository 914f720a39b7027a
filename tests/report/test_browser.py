"""The page in a real browser, as a reader opens it: from disk."""

import json

import pytest

from skmnist.text import get_catalogue, get_languages
from tests.chromium import DESKTOP, PHONE, show_as
from tests.report.samples import compare

pytestmark = pytest.mark.slow

# The contrast of every text with what is behind it; a figure's own text has its own test.
FAINT_TEXTS = """
const parse = c => c.match(/[\\d.]+/g).map(Number);
const luminance = c => parse(c).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (parse(c)[3] !== 0) return c;
  }
  return 'rgb(255, 255, 255)';
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const faint = [];
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim()) continue;
  const style = getComputedStyle(e);
  const color = e instanceof SVGElement ? style.fill : style.color;
  const [low, high] = [luminance(color), luminance(behind(e))].sort((a, b) => a - b);
  if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(walker.currentNode.data.trim());
}
return faint;
"""
# What reaches out of the page sideways; tables may, in a box of their own that scrolls.
WIDE = """
return [...document.body.querySelectorAll('*')]
  .filter(e => !e.closest('.scroll > *, pre > *') && !e.closest('.skip'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.outerHTML.slice(0, 80));
"""
PICTURES = """
return [...document.querySelectorAll('img, svg')].map(e => {
  const box = e.getBoundingClientRect();
  return [box.width, box.height, e.tagName === 'IMG' ? e.naturalWidth : e.getBBox().width];
});
"""
SMALLEST_TEXT = """
return Math.min(...[...document.querySelectorAll('svg text')].map(e => {
  const svg = e.ownerSVGElement;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return scale * parseFloat(getComputedStyle(e).fontSize);
}));
"""
CUT_TEXTS = """
return [...document.querySelectorAll('svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map(e => e.textContent);
});
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a page in each language, and one with long names and many classes."""
    folder = tmp_path_factory.mktemp("pages")
    comparison = compare()
    for language in get_languages():
        comparison.to_html(folder / f"{language}.html", language=language, command="run " * 30)
    long = compare(("An extraordinarily-long-name" * 3, "x" * 200), "class of the digit {}")
    long.to_html(folder / "long.html", language="de")
    return folder


def show(browser, path, width, theme="light", media=""):
    """Open a page, and return the addresses that were asked for."""
    show_as(browser, width, theme, media)
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


@pytest.mark.parametrize("name", [*get_languages(), "long"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_page_works(browser, folder, name, theme, width):
    asked = show(browser, folder / f"{name}.html", width, theme)
    assert [url for url in asked if not url.startswith("data:image/png")] == [
        (folder / f"{name}.html").as_uri()
    ]
    assert browser.get_log("browser") == []
    pictures = browser.execute_script(PICTURES)
    assert len(pictures) > 20
    assert all(min(sizes) > 0 for sizes in pictures)
    assert browser.execute_script(WIDE) == []
    assert browser.execute_script(FAINT_TEXTS) == []
    assert browser.execute_script(SMALLEST_TEXT) >= 8
    assert browser.execute_script(CUT_TEXTS) == []


@pytest.mark.parametrize("language", get_languages())
def test_language_and_title_are_declared(browser, folder, language):
    show(browser, folder / f"{language}.html", DESKTOP)
    assert browser.execute_script("return document.documentElement.lang") == language
    assert browser.title.startswith(get_catalogue(language)("page.title", model=""))


def test_policy_stops_what_would_get_in(browser, folder, tmp_path):
    page = (folder / "en.html").read_text(encoding="utf-8")
    evil = "<script>document.title = 'got in'</script><img src='https://example.org/x.png'>"
    (tmp_path / "evil.html").write_text(page.replace("</main>", f"{evil}</main>"), encoding="utf-8")
    show(browser, tmp_path / "evil.html", DESKTOP)
    assert browser.title != "got in"
    refused = [entry["message"] for entry in browser.get_log("browser")]
    assert len(refused) == 2
    assert all("Content Security Policy" in message for message in refused)


def test_page_can_be_used_by_keyboard(browser, folder):
    from selenium.webdriver import ActionChains, Keys

    def press(*keys):
        ActionChains(browser).send_keys(*keys).perform()

    def focused(expression):
        return browser.execute_script(f"return document.activeElement.{expression}")

    show(browser, folder / "en.html", DESKTOP)
    press(Keys.TAB)
    assert focused("textContent") == "Skip to the recommendation"
    assert focused("getBoundingClientRect().left") >= 0
    reached = set()
    for _ in range(60):
        press(Keys.TAB)
        reached.add(focused("tagName"))
        if focused("tagName") == "SUMMARY":
            break
    assert {"A", "DIV", "SUMMARY"} <= reached
    press(Keys.ENTER)
    assert focused("parentElement.open") is True


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_print_is_light_and_shows_what_is_folded(browser, folder, theme):
    show(browser, folder / "en.html", DESKTOP, theme, media="print")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(paper) == "rgb(255, 255, 255)"
    heights = "return [...document.querySelectorAll('details table')].map(e => e.offsetHeight)"
    shown = browser.execute_script(
        "return [...document.querySelectorAll('details table')].every(e => e.checkVisibility())"
    )
    assert shown
    assert min(browser.execute_script(heights)) > 0
    assert browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
