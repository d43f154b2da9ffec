"""What a value of a sidecar may be: rules that take a value and tell whether it may pass."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from coil.deid.terms import is_code, is_sequence, is_term

Rule = Callable[[Any], bool]


def number(low: float, high: float) -> Rule:
    """A finite number from `low` to `high`."""

    def rule(value: Any) -> bool:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and low <= value <= high
        )

    return rule


def whole(low: int, high: int) -> Rule:
    """A whole number from `low` to `high`."""
    inside = number(low, high)
    return lambda value: inside(value) and value == int(value)


def many(rule: Rule, lengths: Iterable[int] = range(1, 100_000)) -> Rule:
    """An array, of one of the `lengths`, of values that pass `rule`."""
    return lambda value: (
        isinstance(value, list) and len(value) in lengths and all(rule(item) for item in value)
    )


def either(*rules: Rule) -> Rule:
    """What one of the rules lets through."""
    return lambda value: any(rule(value) for rule in rules)


def boolean(value: Any) -> bool:
    """true or false."""
    return isinstance(value, bool)


def one_of(*words: str) -> Rule:
    """One of a few strings, as written here."""
    return lambda value: isinstance(value, str) and value in words


def text(pattern: str, digits: int = 4) -> Rule:
    """A string that matches the whole pattern, with no run of more than `digits` digits: an ID
    or a date is longer."""
    compiled = re.compile(pattern)
    run = re.compile(rf"\d{{{digits + 1}}}")
    return lambda value: (
        isinstance(value, str) and bool(compiled.fullmatch(value)) and not run.search(value)
    )


def words(vocabulary: str) -> Rule:
    """A string of words of the vocabulary (any case) and of codes.

    A code (MR750, VA30A, 5.7.1) is too short for a name or a number of a person.
    """
    known = set(vocabulary.lower().split())
    joint = re.compile(r"[.()+-]+")

    def is_known(part: str) -> bool:
        return part.lower() in known or all(
            word.lower() in known or (word.isascii() and word.isalnum() and is_code(word))
            for word in joint.split(part)
            if word
        )

    def rule(value: Any) -> bool:
        if not isinstance(value, str) or not 0 < len(value) <= 64:
            return False
        parts = [part for part in re.split(r"[\s_:;,/\\]+", value) if part]
        return all(map(is_known, parts))

    return rule


def points(value: Any) -> bool:
    """Anatomical landmarks: short names, each with three coordinates in voxels."""
    return (
        isinstance(value, dict)
        and all(re.fullmatch(r"[A-Z]{2,4}", name) for name in value)
        and all(many(number(-1e4, 1e4), (3,))(point) for point in value.values())
    )


def each(rule: Rule, keys: str) -> dict[str, Rule]:
    """The same rule for several keys."""
    return dict.fromkeys(keys.split(), rule)


SECONDS = number(0, 100_000)
FACTOR = number(0, 1e6)
COUNT = whole(0, 1_000_000)
SIGNED = number(-1e6, 1e6)
AXIS = one_of("i", "i-", "j", "j-", "k", "k-")
_FORM = text(r"[A-Z0-9][A-Z0-9_ .+-]{0,23}")  # DICOM's VR CS
_FORMS = text(r"[A-Z0-9_ .+-]{1,24}(\\[A-Z0-9_ .+-]{1,24}){0,15}")


def code(value: Any) -> bool:
    """A defined term of DICOM or of a vendor, in DICOM's VR CS."""
    return _FORM(value) and is_term(value)


def sequence(pattern: str) -> Rule:
    """The name of a pulse sequence, which matches the whole pattern."""
    fits = text(pattern)
    return lambda value: fits(value) and is_sequence(value)


CODES = either(lambda value: _FORMS(value) and is_term(value), many(code, range(1, 16)))
TOKEN = text(r"[A-Za-z0-9_+-]{1,48}")
BIDS_PATH = text(
    r"(bids::)?(sub-[0-9A-Za-z]+/)?(ses-[0-9A-Za-z]+/)?(anat|dwi|fmap|func|perf|pet)/"
    r"[0-9A-Za-z_+-]+\.nii(\.gz)?"
)
