"""localxnat's pages for people, in a real browser."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from localxnat.testing import Server
from localxnat.tests.support import Raw

pytestmark = pytest.mark.browser

REPORT = """<!DOCTYPE html><html lang="en"><title>Report</title><style>p { color: blue }</style>
<h1>A report</h1><p>Text</p><img src="/data/projects?stolen" alt="" onerror="act()">
<form method="post" action="/app/logout"><button>Press me</button></form>
<svg onload="act()"></svg><iframe src="/data/projects?framed"></iframe>
<script>function act() {
  document.querySelector("h1").textContent = "the script ran";
  fetch("/data/projects?fetched", {credentials: "include"});
  fetch("/data/experiments/LOCAL_E00001", {method: "DELETE", credentials: "include"});
} act()</script></html>"""
PAGES = [
    "/",
    "/app/projects/DEMO",
    "/app/subjects/LOCAL_S00001",
    "/app/experiments/LOCAL_E00001",
    "/app/experiments/LOCAL_E00001/scans/4",
    "/app/projects/NONE",
]
# The contrast of every text that is seen with what is behind it, as WCAG computes it.
CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter(node => node.checkVisibility() && [...node.childNodes]
      .some(child => child.nodeType === 3 && child.textContent.trim()))
    .map(node => {
      const [a, b] = [rgb(getComputedStyle(node).color), behind(node)].map(light);
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.trim()];
    });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def guest(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(base_url=server.url)
    yield context.new_page()
    context.close()


def sign_in(page: Page, password: str = "admin") -> None:
    page.goto("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def page(guest: Page) -> Page:
    sign_in(guest)
    return guest


def test_a_wrong_password_is_said_and_nothing_shown(guest: Page) -> None:
    sign_in(guest, "wrong")
    assert guest.get_by_role("alert").inner_text() == "The name or the password is wrong."
    assert guest.get_by_role("link", name="DEMO").count() == 0


def test_a_person_finds_a_file_from_the_front_page(page: Page) -> None:
    page.get_by_role("link", name="DEMO", exact=True).click()
    page.get_by_role("link", name="S1_a", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Session S1_a"
    assert page.get_by_text("ACME Scan-O-Matic").is_visible()
    page.get_by_role("link", name="4", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Scan 4: mprage: sag"
    with page.expect_download() as download:
        page.get_by_role("link", name=".dcm").first.click()
    assert download.value.path().read_bytes()[128:132] == b"DICM"


def test_a_session_downloads_as_a_zip(page: Page) -> None:
    page.goto("/app/experiments/LOCAL_E00001")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all scans as zip").click()
    assert download.value.suggested_filename == "S1_a.zip"


def test_a_pushed_report_opens_and_cannot_act_with_the_viewers_login(
    page: Page, raw: Raw, server: Server
) -> None:
    path = "/data/experiments/LOCAL_E00001/resources/PUSHED/files/pushed.html"
    raw("PUT", f"{path}?overwrite=true", data=REPORT.encode())
    page.goto("/app/experiments/LOCAL_E00001")
    page.get_by_role("region").first.wait_for()
    before = len(server.requests())
    page.get_by_role("link", name="pushed.html").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "A report"
    # The paragraph has its style: a report may look as it likes.
    assert page.locator("p").evaluate("p => getComputedStyle(p).color") == "rgb(0, 0, 255)"
    page.get_by_role("button", name="Press me").click()
    page.wait_for_timeout(300)
    asked = [line for line in server.requests()[before:] if "/files/pushed.html" not in line]
    # Its image and its frame are asked for without the login, the rest not at all.
    assert {line.split()[0] for line in asked} <= {"GET"}
    data = [line for line in asked if "/data/" in line]
    assert all("stolen" in line or "framed" in line for line in data)
    assert all(line.endswith((" 302", " 401")) for line in data)
    assert raw("GET", "/data/experiments/LOCAL_E00001").status_code == 200
    page.goto("/")
    assert page.get_by_role("heading", level=1).inner_text() == "Projects"


def test_what_users_wrote_is_text_on_the_page(page: Page, raw: Raw) -> None:
    note = "<img src=x onerror=document.title='hacked'>"
    raw("PUT", "/data/experiments/LOCAL_E00001", params={"note": note})
    page.goto("/app/experiments/LOCAL_E00001")
    assert page.get_by_text(note).is_visible()
    assert "hacked" not in page.title()


def test_signing_out_ends_the_login(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.goto("/app/projects/DEMO")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


def test_what_is_not_there_has_a_page_that_leads_back(page: Page) -> None:
    answer = page.goto("/app/experiments/NONE")
    assert answer is not None
    assert answer.status == 404
    page.get_by_role("link", name="To the projects").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Projects"


def test_every_page_has_a_title_one_heading_and_named_tables(page: Page) -> None:
    for path in PAGES:
        page.goto(path)
        assert page.title().endswith("localxnat")
        assert page.locator("h1").count() == 1
        assert page.locator("html[lang=en]").count() == 1
        assert page.locator("th:not([scope])").count() == 0
        assert page.locator("table:not(:has(caption))").count() == 0
        assert page.locator("input:not([id])").count() == 0
        levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => +h.tagName[1])")
        assert all(after - before <= 1 for before, after in pairwise(levels))
        names = page.locator("a").evaluate_all("all => all.map(a => a.textContent.trim())")
        assert all(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    for path in [*PAGES, "/app/template/Login.vm"]:
        page.goto(path)
        assert [text for contrast, text in page.evaluate(CONTRAST) if contrast < 4.5] == []


def test_a_person_without_a_mouse_gets_everywhere(guest: Page) -> None:
    guest.goto("/")
    expect(guest.get_by_label("Name")).to_be_focused()  # a browser gives the focus a little later
    guest.keyboard.type("admin")
    guest.keyboard.press("Tab")
    guest.keyboard.type("admin")
    guest.keyboard.press("Enter")
    guest.get_by_role("heading", name="Projects").wait_for()
    guest.keyboard.press("Tab")
    assert guest.evaluate("document.activeElement.textContent") == "Skip to the content"
    guest.keyboard.press("Enter")
    for _ in range(3):  # the table that may scroll, then the link
        guest.keyboard.press("Tab")
        if guest.evaluate("document.activeElement.textContent") == "DEMO":
            break
    outline = guest.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    guest.keyboard.press("Enter")
    guest.get_by_role("heading", name="Subjects").wait_for()


def test_a_subject_is_found_among_many(page: Page, raw: Raw) -> None:
    raw("PUT", "/data/projects/MANY")
    for number in range(120):
        raw("PUT", f"/data/projects/MANY/subjects/M{number:03d}")
    page.goto("/app/projects/MANY")
    assert page.get_by_text("120 subjects, page 1 of 2").is_visible()
    page.get_by_role("link", name="Next page").click()
    assert page.get_by_role("link", name="M119").is_visible()
    page.get_by_label("Subject or session").fill("m07")
    page.get_by_role("button", name="Find").click()
    assert page.get_by_role("table").get_by_role("link").count() == 10
    page.get_by_label("Subject or session").fill("<b>%_")
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text().startswith("No subject or session has")
    page.get_by_role("link", name="Show all").click()
    assert page.get_by_text("120 subjects").is_visible()


def test_pages_fit_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
