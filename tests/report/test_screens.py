"""The page at every width, with few and many models, as boxes and pixels in a browser."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

from skmnist.comparison import ModelComparison
from skmnist.comparison._result import make_result
from skmnist.diagnosis._plot_confusion import RIGHT_OPACITY
from skmnist.text import get_languages
from tests.chromium import DESKTOP, PHONE, show_as
from tests.report.samples import Learned

pytestmark = pytest.mark.slow

WIDTHS = (PHONE, 768, DESKTOP, 1920)
SCREEN = 800  # pixels of a phone's height
MAX_SCREENS = 6

# Words of headings that are split between lines; long names of models may be
BROKEN_WORDS = r"""
const broken = [];
for (const head of document.querySelectorAll('h1, h2, h3, h4, th, dt')) {
  const walker = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('.name') || !head.checkVisibility()) continue;
    for (const found of node.data.matchAll(/[^\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1)
        broken.push(found[0]);
    }
  }
}
return broken;
"""
# Pairs of texts that lie over each other by more than 2 pixels
OVERLAPS = """
const boxes = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, parent = node.parentElement;
  if (!node.data.trim() || parent.closest('svg, .skip')) continue;
  if (getComputedStyle(parent.closest('thead') ?? parent).clipPath !== 'none') continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) boxes.push([box, node.data.trim()]);
}
for (const text of document.querySelectorAll('svg text'))
  boxes.push([text.getBoundingClientRect(), text.textContent]);
boxes.sort((a, b) => a[0].top - b[0].top);
const found = [];
boxes.forEach(([a, one], at) => {
  for (const [b, other] of boxes.slice(at + 1)) {
    if (b.top > a.bottom - 2) break;
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - b.top > 2) found.push([one, other]);
  }
});
return found;
"""
# What reaches out of the page, and tables before the appendix that must be scrolled
TOO_WIDE = """
const width = document.documentElement.clientWidth;
const out = [...document.body.querySelectorAll('*')]
  .filter(e => !e.closest('.scroll > *, pre > *, .skip'))
  .filter(e => e.getBoundingClientRect().right > width + 1);
const scrolled = [...document.querySelectorAll('#table .scroll')]
  .filter(e => e.scrollWidth > e.clientWidth + 1);
return [...out, ...scrolled].map(e => e.outerHTML.slice(0, 100));
"""
APPENDIX = "return document.getElementById('appendix').getBoundingClientRect().top + scrollY"
OPEN_ALL = "document.querySelectorAll('details').forEach(e => e.open = true)"


def make_comparison(n_models):
    """Compare trees, the first one with curves, whose sizes and accuracies are close together."""
    if n_models == 12:
        rng = np.random.default_rng(0)
        y = np.array(list("abcdefghijklmnopqrstuvwxyz") * 25)
        X = rng.random((26, 64))[np.arange(650) % 26] + rng.normal(0, 0.4, (650, 64))
        X = np.clip(X, 0, 1)
    else:
        X, y = load_digits(return_X_y=True)
        X = X / 16
    train, test = slice(0, len(y) // 2), slice(len(y) // 2, None)
    results = []
    for at in range(n_models):
        name = f"network {at:02d} of the office in the north wing"[:40]
        depth = 4 + at // 2
        model = DecisionTreeClassifier(max_depth=depth, random_state=at) if at else Learned()
        result = make_result(name, model.fit(X[train], y[train]), 0.5, X[test], y[test])
        if at > 1:
            result = replace(result, robustness=None)
        size = 90_000 + 3_000 * at if at < n_models - 1 else 900_000  # in a cluster, but one
        sized = replace(result, size=size, predict_time=1e-4, predict_time_p95=2e-4)
        results.append(sized)
    return ModelComparison(results, X_test=X[test], y_test=y[test])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("screens")
    for n_models in (2, 7, 12):
        comparison = make_comparison(n_models)
        for language in get_languages():
            path = folder / f"{n_models}-{language}.html"
            comparison.to_html(path, language=language, command="skmnist compare")
    return folder


@pytest.mark.parametrize("language", get_languages())
@pytest.mark.parametrize("n_models", [2, 7, 12])
def test_page_fits_every_screen(browser, folder, n_models, language):
    show_as(browser, PHONE)
    browser.get((folder / f"{n_models}-{language}.html").as_uri())
    assert browser.execute_script(APPENDIX) <= MAX_SCREENS * SCREEN
    browser.execute_script(OPEN_ALL)
    # the colours do not move anything, so that each theme is looked at once per width
    states = [(width, theme, "") for width in WIDTHS for theme in ("light", "dark")]
    for width, theme, media in [*states, (768, "light", "print")]:
        show_as(browser, width, theme, media)
        for script in (BROKEN_WORDS, OVERLAPS, TOO_WIDE):
            assert browser.execute_script(script) == [], (width, theme, media)


def luminance(color):
    parts = np.asarray(color[:3]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("n_models", [7, 12])
def test_grey_cells_are_visible_in_the_dark(browser, folder, n_models):
    show_as(browser, DESKTOP, "dark")
    browser.get((folder / f"{n_models}-en.html").as_uri())
    # the diagonal of the first confusion matrix that is not folded
    left, top, size = browser.execute_script(
        "const cells = [...document.querySelectorAll('#analysis details[open] svg path')]"
        f"  .find(e => e.getAttribute('fill-opacity') === '{RIGHT_OPACITY}');"
        "cells.closest('svg').scrollIntoView({behavior: 'instant'});"
        "const box = cells.getBoundingClientRect();"
        "return [box.left, box.top, box.width];"
    )
    png = browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))
    n_classes, inset = (26, 0.5) if n_models == 12 else (10, 0.2)  # where there is no number
    paper = luminance(pixels[0, 0])
    for at in range(n_classes):
        share = (at + inset) / n_classes
        cell = pixels[int(top + share * size), int(left + share * size)]
        assert (luminance(cell) + 0.05) / (paper + 0.05) >= 3
