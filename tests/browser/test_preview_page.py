"""The page of the preview in a real browser: filtered, sorted, printed, by mouse and keyboard."""

from pathlib import Path

import pytest

from coil.bids.draft.preview import Previewed
from coil.bids.draft.uses import uses
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from coil.records.pulled import PulledScan
from coil.report import preview_page
from tests.browser.test_report_pages import CONTRAST, chromium

__all__ = ["chromium"]  # the fixture

pytestmark = pytest.mark.browser

RULES = [
    {"match": {"series_description": "localizer"}, "ignore": "planning scan"},
    {"match": {"series_description": "mprage"}, "to": "anat/T1w", "required": True},
    {"match": {"series_description": "flair"}, "to": "anat/FLAIR"},
]
USUAL = ("localizer", "t1_mprage <sag>", "t2_flair")


def session(name: str, *descriptions: str) -> Previewed:
    mapping = parse(RULES)
    series = [
        Series.from_listing(PulledScan(scan=str(n), series_description=text, files=9))
        for n, text in enumerate(descriptions, 2)
    ]
    return Previewed.of(f"sub-{name}_ses-1", resolve(series, mapping, name, "1"), mapping.rules)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty usual sessions, two with a series that no rule takes, one without its T1w."""
    sessions = [session(f"u{i}", *USUAL) for i in range(30)]
    sessions += [session(f"x{i}", *USUAL, "secret trial") for i in range(2)]
    sessions += [session("m", "localizer", "t2_flair")]
    used = uses(sessions, parse(RULES), RULES)
    path = tmp_path_factory.mktemp("preview") / "preview.html"
    path.write_text(preview_page.render("study", "A study", sessions, used))
    return path


@pytest.fixture
def tab(chromium, page):
    tab = chromium.new_page(viewport={"width": 1280, "height": 900})
    tab.noise = []
    tab.on("console", lambda message: tab.noise.append(message.text))
    tab.on("pageerror", lambda error: tab.noise.append(str(error)))
    tab.goto(page.as_uri())
    yield tab
    assert tab.noise == []
    tab.close()


def shown(tab) -> list[str]:
    """The descriptions of the series that can be seen."""
    rows = tab.locator("tr[data-state]:visible th").all_inner_texts()
    return [text.split("\n")[0] for text in rows]


def test_what_needs_a_decision_stands_first(tab):
    assert tab.locator(".banner .say").first.inner_text() == "3 of 33 sessions have open questions"
    titles = tab.locator("details.group summary strong").all_inner_texts()
    assert titles == ["2 sessions alike", "sub-m_ses-1", "30 sessions alike"]


def test_a_state_filters_and_the_same_button_shows_all_again(tab):
    everything = shown(tab)
    button = tab.get_by_role("button", name="unmapped")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert shown(tab) == ["secret trial"]
    assert tab.locator("#told").inner_text() == "1 of 11 rows shown"
    button.click()
    assert shown(tab) == everything


def test_a_session_is_found_by_its_name_wherever_it_is_grouped(tab):
    tab.get_by_role("searchbox").fill("sub-u17 flair")
    assert shown(tab) == ["t2_flair"]
    assert tab.locator("details.group:visible").count() == 1


def test_the_keyboard_alone_filters_sorts_and_unfolds(tab):
    tab.get_by_role("searchbox").focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")  # the first state
    assert set(shown(tab)) == {"t1_mprage <sag>", "t2_flair"}
    tab.keyboard.press("Enter")
    heading = tab.locator("details.group th", has_text="Description").first
    heading.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    first = tab.locator("details.group").first.locator("tbody th").all_inner_texts()
    assert [text.split("\n")[0] for text in first] == sorted(
        ["localizer", "t1_mprage <sag>", "t2_flair", "secret trial"]
    )
    tab.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"


def test_scans_are_sorted_as_numbers(tab):
    table = tab.locator("details.group").first
    table.get_by_role("button", name="Scan").click()
    assert table.locator("tbody td:first-child").all_inner_texts() == ["2", "3", "4", "5"]


def test_a_series_leads_to_its_rule(tab):
    tab.get_by_role("link", name="mapping[1]").first.click()
    assert tab.evaluate("document.querySelector(':target').innerText").startswith("mapping[1]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_fits_and_has_contrast_in_light_and_dark(chromium, page, scheme, width):
    tab = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.goto(page.as_uri())
    tab.get_by_role("button", name="unmapped").click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CONTRAST) == []
    tab.close()


def test_paper_shows_what_was_folded_away(tab):
    assert not tab.locator("details.group").last.evaluate("e => e.open = false")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details.group").last.evaluate("e => e.open")


def test_without_scripts_everything_is_there(chromium, page):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.locator("#tools").is_hidden()
    assert tab.locator("tr[data-state]").count() == 11
    context.close()
