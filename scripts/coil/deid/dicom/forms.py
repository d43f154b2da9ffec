"""The forms of values, by which each is kept, changed or removed."""

from collections.abc import Callable
from functools import partial

from coil.deid.dicom import ge, private, siemens, values

# What a value that is not empty is from now on; None if it may not stay.
Form = Callable[[bytes], bytes | None]
SPECIAL: dict[str, Form] = {
    "PatientWeight": partial(values.rounded, digits=0, most=500),
    "PatientSize": partial(values.rounded, digits=2, most=3),
    "PatientSex": lambda raw: raw if raw.strip(b" \0") in (b"M", b"F", b"O") else None,
}
_FORMS: dict[str, Form] = {
    "DS": values.of_decimals,
    "IS": values.of_integers,
    "CS": values.of_codes,
}


def nothing(raw: bytes) -> None:
    """The form of what may stay only if it is empty."""


def plain(vr: str) -> Form:
    """The form of values that their VR alone decides over."""
    if vr in values.SIZES:
        return partial(values.of_numbers, vr)
    return _FORMS.get(vr, nothing)


def private_rule(creator: str, tag: int, vr: str) -> tuple[str, Form] | None:
    """What a private element that is no sequence is from now on, as `profile.Rules.rule_of`."""
    kept = private.find(creator, tag)
    if kept is None or kept.form == private.ITEMS:
        return None
    if vr == "UN":
        vr = kept.vr
    return vr, _private_form(kept, tag, vr)


def _private_form(kept: private.Kept, tag: int, vr: str) -> Form:
    if kept.form == private.REWRITTEN:
        if vr not in ("OB", "UN"):
            return nothing
        vendor = ge if tag >> 16 in (0x0025, 0x0043) else siemens
        return partial(vendor.rewrite, tag & 0xFF)
    if kept.form in (private.NUMBERS, private.CODES):
        if vr == "IS":
            return values.of_b_values
        return plain(vr) if vr in values.SIZES or vr in ("DS", "CS") else nothing
    if vr not in ("LO", "SH", "CS", "LT", "ST"):
        return nothing
    return partial(values.of_words, rule=partial(private.fits, kept.form))
