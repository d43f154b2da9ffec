"""The doctor's page in a real browser: what needs a look stands first, in any width and scheme."""

from pathlib import Path

import pytest

from coil.doctor.findings import LIMIT, OK, PROBLEM, UNKNOWN, Finding
from coil.report import doctor_page
from tests.browser.test_report_pages import CONTRAST, chromium

__all__ = ["chromium"]  # the fixture

pytestmark = pytest.mark.browser

WELL = [
    Finding("Server", "address", OK, "https://xnat.example.org answers in 0.03 s"),
    Finding("Login", "rights", OK, "may read and edit", project="oslo"),
    Finding("Machine", "memory", OK, "25.3 GB"),
]
TROUBLE = [
    *WELL,
    Finding("Data", "labels", LIMIT, "2 sessions have none", "rename", "oslo", ["A <1>", "B"]),
    Finding("Login", "rights", PROBLEM, "may read, not edit", "ask the owner", "berlin"),
    Finding("Data", "prearchive", UNKNOWN, "this check broke", project="oslo"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a look where all is well, and one where not."""
    root = tmp_path_factory.mktemp("doctor")
    (root / "well.html").write_text(doctor_page.render(WELL))
    (root / "trouble.html").write_text(doctor_page.render(TROUBLE))
    return root


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["well", "trouble"])
def test_it_is_quiet_fits_and_has_contrast(chromium, pages, name, width, scheme):
    tab = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    noise = []
    tab.on("console", lambda message: noise.append(message.text))
    tab.goto((pages / f"{name}.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CONTRAST) == []
    assert noise == []
    tab.close()


def test_what_will_not_work_stands_first_and_on_the_first_screen(chromium, pages):
    tab = chromium.new_page(viewport={"width": 1280, "height": 720})
    tab.goto((pages / "trouble.html").as_uri())
    assert tab.locator(".banner .say").inner_text() == "1 of 6 will not work"
    rows = tab.locator("section").first.locator("tbody tr")
    assert rows.locator(".state").all_inner_texts() == ["will not work", "limited", "not known"]
    box = rows.first.bounding_box()
    assert box["y"] + box["height"] < 720
    assert "A <1>, B" in rows.nth(1).inner_text()
    tab.close()


def test_where_all_is_well_the_areas_are_all_there_is(chromium, pages):
    tab = chromium.new_page()
    tab.goto((pages / "well.html").as_uri())
    assert tab.locator("main h2").all_inner_texts() == ["Server", "Login", "Machine"]
    assert tab.locator(".banner.bad, .banner.look").count() == 0
    tab.close()
