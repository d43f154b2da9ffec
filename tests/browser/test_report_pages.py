"""The pages in a real browser: complete, quiet, no wider than the window."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyses import qc
from coil.report import project, session
from tests.support import phantom, records

pytestmark = pytest.mark.browser

# Every text whose contrast with its background is less than 4.5, and what it says.
CONTRAST = """
() => {
  const light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!c.startsWith('rgba(0, 0, 0, 0')) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('p, td, th, dd, dt, h1, h2, h3, a, span, small, li')]
    .filter(e => e.offsetParent && e.innerText.trim())
    .map(e => {
      const [a, b] = [light(getComputedStyle(e).color), light(back(e))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), e.className + ': ' + e.innerText.slice(0, 30)];
    }).filter(([ratio]) => ratio < 4.5);
}
"""

NAMES = ("chromium", "chromium-browser", "google-chrome")


def _browser() -> str | None:
    given = os.environ.get("COIL_CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium():
    path = _browser()
    if path is None:
        pytest.skip("no Chromium: install it, or name it in COIL_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """A session's page with real figures, a failed session's and the project's."""
    root = tmp_path_factory.mktemp("pages")
    phantom.dataset(root / "bids")
    summary = qc.run(root / "bids", "A7KQ", "1", root / "qc")
    analyses = {"qc": replace(records.measured(), summary=summary)}
    (root / "session.html").write_text(session.render(records.admitted(), analyses, root))
    (root / "failed.html").write_text(session.render(records.failed(), {}, root))
    (root / "project.html").write_text(project.render(records.project()))
    return root


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize(
    ("name", "heading", "images"),
    [("session", "sub-A7KQ · ses-1", 8), ("failed", "sub-F1QK · ses-1", 0),
     ("project", "Demo study", 0)],
)  # fmt: skip
def test_a_page_is_complete_quiet_and_fits(chromium, pages, name, heading, images, width, scheme):
    tab = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        noise, requests = [], []
        tab.on("console", lambda message: noise.append(message.text))
        tab.on("pageerror", lambda error: noise.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        url = (pages / f"{name}.html").as_uri()
        tab.goto(url)
        assert tab.locator("h1").inner_text() == heading
        assert tab.locator("main h2").count() >= 1
        widths = tab.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert len(widths) == images and all(widths)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert noise == []
        assert [got for got in requests if got != url and not got.startswith("data:")] == []
    finally:
        tab.close()


def test_the_verdict_is_on_the_first_screen(chromium, pages):
    for name in ("session", "failed", "project"):
        tab = chromium.new_page(viewport={"width": 1280, "height": 720})
        tab.goto((pages / f"{name}.html").as_uri())
        box = tab.locator(".banner").first.bounding_box()
        assert box["y"] + box["height"] < 720
        tab.close()


def test_text_has_the_contrast_that_wcag_asks_for(chromium, pages):
    for name in ("session", "failed", "project"):
        for scheme in ("light", "dark"):
            tab = chromium.new_page(color_scheme=scheme)
            tab.goto((pages / f"{name}.html").as_uri())
            assert tab.evaluate(CONTRAST) == []
            tab.close()
