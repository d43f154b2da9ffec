"""Every warning of the validator is told with its reason."""

import pytest

from coil.records.validation import Issue, Verdict
from coil.report import page, remarks


def absent(key: str, code: str = "SIDECAR_KEY_RECOMMENDED") -> Issue:
    message = f"A data file's JSON sidecar is missing a key listed as recommended. ({key})"
    return Issue(code=code, severity="warning", location="sub-X", message=message)


def remark(code: str, severity: str = "warning", message: str = "") -> Issue:
    return Issue(code=code, severity=severity, location="x", message=message)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("InstitutionAddress", "could identify"),
        ("TaskDescription", "only the study knows"),
        ("SliceTiming", "the scanner's files do not give it"),
        ("Funding", "config does not say it"),
    ],
)
def test_a_recommended_key_is_absent_for_a_reason(key: str, words: str) -> None:
    assert words in (remarks.reason(absent(key)) or "")


def test_a_field_map_without_a_rules_b0_has_a_remedy() -> None:
    reason = remarks.reason(remark("B0_FIELD_IDENTIFIER_RECOMMENDED"))
    assert reason and "the key b0" in reason


def test_what_is_not_known_has_no_reason() -> None:
    assert remarks.reason(remark("SOMETHING_NEW", message="(SliceTiming)")) is None


def test_issues_with_one_reason_are_one_row_with_their_keys() -> None:
    found = [absent("SliceTiming"), absent("DwellTime"), absent("DwellTime")]
    found.append(remark("BROKEN", severity="error"))
    first, second = page.issues(Verdict(issues=tuple(found)))
    assert (first.severity, first.reason, first.keys) == ("error", None, ())
    assert (second.count, second.keys) == (3, ("DwellTime", "SliceTiming"))
