"""localxnat's pages for people, in a real browser."""

import shutil
from collections.abc import Iterator

import pytest
from localxnat_support import Raw
from playwright.sync_api import Browser, Page, sync_playwright

from localxnat.testing import Server

pytest_plugins = ["localxnat_support"]
pytestmark = pytest.mark.browser

REPORT = """<!DOCTYPE html><html lang="en"><title>Report</title><h1>A report</h1>
<script>document.querySelector("h1").textContent = "the script ran"</script></html>"""


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
    assert page.get_by_role("heading", level=1).inner_text() == "S1_a"
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


def test_a_pushed_report_opens_but_its_script_does_not_run(page: Page, raw: Raw) -> None:
    path = "/data/experiments/LOCAL_E00001/resources/PUSHED/files/pushed.html"
    raw("PUT", f"{path}?overwrite=true", data=REPORT.encode())
    page.goto("/app/experiments/LOCAL_E00001")
    page.get_by_role("link", name="pushed.html").click()
    assert page.get_by_role("heading", level=1).inner_text() == "A report"


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


def test_every_page_has_a_title_one_heading_and_named_fields(page: Page) -> None:
    for path in ("/", "/app/projects/DEMO", "/app/experiments/LOCAL_E00001"):
        page.goto(path)
        assert page.title().endswith("localxnat")
        assert page.locator("h1").count() == 1
        assert page.locator("html[lang=en]").count() == 1
        assert page.locator("th:not([scope])").count() == 0


def test_pages_fit_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    for path in ("/", "/app/projects/DEMO", "/app/experiments/LOCAL_E00001"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
