"""What the page of a session says."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from coil.records.analysis import Figure, Summary
from coil.report import session
from tests.support import records

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c63600000000200014873a4c70000000049454e44ae426082"
)

MEASURED = {"qc": records.measured()}


class Page(HTMLParser):
    """The text, the tags with their attributes, and whether every tag is closed."""

    VOID = frozenset(("meta", "link", "img", "br"))

    def __init__(self, html):
        super().__init__()
        self.words, self.tags, self.open = [], [], []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def figures(root: Path) -> Path:
    for image in records.measured().summary.images:
        for name in image.figures:
            (root / "qc" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "qc" / name).write_bytes(PIXEL)
    return root


@pytest.fixture
def page(tmp_path):
    return Page(session.render(records.admitted(), MEASURED, figures(tmp_path)))


def test_the_first_words_are_the_session_and_the_verdict(page):
    assert "sub-A7KQ · ses-1 In the dataset 6 series, every one accounted for" in page.text
    assert "2 mapped, 1 incomplete, 1 unmapped, 1 missing, 1 ignored" in page.text


def test_every_series_has_a_row_with_its_reason(page):
    for row in records.admitted().series:
        assert row.reason in page.text and (row.description or "") in page.text
    assert "31 of 80" in page.text


def test_values_are_escaped():
    html = session.render(records.admitted(), {}, Path())
    assert "<b>new" not in html and "&lt;b&gt;new &amp; odd&lt;/b&gt;" in html


def test_outliers_are_named_with_the_limit_they_were_judged_by(page):
    assert "3 of 80 volumes with framewise displacement above 0.5 mm" in page.text
    assert "volumes 4\u20135, 9" in page.text


def test_a_number_that_means_nothing_has_its_reason(page):
    assert "the background is zeroed n/a" in page.text


def test_numbers_have_units(page):
    assert (
        "0.100 mm" in page.text
        and "2 s" in page.text
        and "64 \u00d7 64 \u00d7 30 \u00d7 80" in page.text
    )


def test_figures_are_inside_the_page_and_described(page):
    (image,) = page.of("img")
    assert image["src"].startswith("data:image/png;base64,")
    assert "task-rest_bold" in image["alt"]


def test_nothing_is_loaded_from_elsewhere(page):
    sources = [value for _, attrs in page.tags for key, value in attrs.items() if key == "src"]
    assert all(value.startswith("data:") for value in sources)
    assert not page.of("script")
    assert all(link["href"].startswith("data:") for link in page.of("link"))


def test_the_page_is_well_formed_and_has_landmarks(page):
    assert page.open == []
    for tag in ("header", "main", "nav", "footer", "h1"):
        assert len(page.of(tag)) == 1
    identifiers = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    targets = {link["href"][1:] for link in page.of("a") if link["href"].startswith("#")}
    assert targets <= set(identifiers)


def test_what_was_removed_and_searched_for_is_told(page):
    assert "57 identifiers" in page.text and "33 files" in page.text and "0 hits" in page.text
    assert "DeviceSerialNumber (7)" in page.text.replace("\xa0", " ") and "descrip" in page.text
    assert "defaced 12 %" in page.text


def test_the_validators_verdict_and_the_versions_are_told(page):
    assert "0 errors and 1 warning" in page.text and "README_FILE_SMALL" in page.text
    assert "heudiconv 1.5.1" in page.text


def test_the_same_records_give_the_same_page(tmp_path):
    root = figures(tmp_path)
    pages = {session.render(records.admitted(), MEASURED, root) for _ in range(2)}
    assert len(pages) == 1


def test_a_failed_session_says_where_why_and_which_log():
    page = Page(session.render(records.failed(), {}, Path()))
    assert "Failed while it was pulled from the archive: not in the dataset" in page.text
    assert "Two subjects in one session; split it in the archive." in page.text
    assert "logs/DEMO/pull.log" in page.text and "have changed" in page.text
    assert page.open == [] and not page.of("img")


def test_a_session_that_nothing_measured_says_so():
    assert "No image was measured" in Page(session.render(records.admitted(), {}, Path())).text


def test_a_failed_analysis_is_told_with_its_reason_and_log():
    failed = {"state": "failed", "reason": "the image cannot be read", "log": "logs/x.log"}
    glm = replace(records.measured(), **failed)
    page = Page(session.render(records.admitted(), {"glm": glm}, Path()))
    assert "The analysis glm failed: the image cannot be read." in page.text
    assert "The image cannot be read. The log to read: logs/x.log" in page.text


def test_the_numbers_and_figures_of_an_analysis_are_shown(tmp_path):
    (tmp_path / "glm").mkdir()
    (tmp_path / "glm" / "peak.png").write_bytes(PIXEL)
    figure = Figure(file="peak.png", title="Peak")
    summary = Summary(numbers={"peak z": 5.25}, figures=(figure,))
    glm = replace(records.measured(), summary=summary)
    page = Page(session.render(records.admitted(), {"glm": glm}, tmp_path))
    assert "peak z 5.25" in page.text
    assert [image["alt"] for image in page.of("img")] == ["Peak"]


def test_a_figure_that_is_gone_is_left_out(tmp_path):
    assert not Page(session.render(records.admitted(), MEASURED, tmp_path)).of("img")
