"""The stages of a session by what a test says of them, and what they return as JSON's own types."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec.json

from coil.bids.convert import convert
from coil.bids.mapping.mapping import Mapping
from coil.deid.bids import anonymize
from coil.deid.bids.terms import Terms
from coil.deid.dicom import export
from coil.deid.dicom.export import Wanted
from coil.deid.dicom.job import record_of
from coil.deid.dicom.profile import Profile
from coil.records.conversion import Conversion
from coil.records.series import SeriesRow
from coil.units import Unit

_PLAIN = ("dates", "time_of_day", "people")


def convert_session(
    pulled: Path,
    converted: Path,
    *,
    subject: str,
    session: str,
    scratch: Path,
    mapping: Mapping,
    **terms: Any,
) -> dict[str, Any]:
    """The table of a session's conversion."""
    unit = Unit(subject, session)
    settings = convert.Terms(mapping, **terms)
    return as_json(convert.convert_session(pulled, converted, unit, settings, scratch))


def admit_session(
    pulled: Path,
    converted: Path,
    candidate: Path,
    *,
    subject: str,
    session: str,
    secret: bytes,
    subject_id: str,
    project: str = "",
    derivatives: Path | None = None,
    allow_keys: Collection[str] = (),
    **terms: Any,
) -> dict[str, Any]:
    """What the door says of a session."""
    given: dict[str, Any] = {
        key: value if key in _PLAIN else frozenset(value) for key, value in terms.items()
    }
    keys = frozenset(allow_keys)
    whole = Terms(secret, project, subject_id, sidecar_keys=keys, **given)
    unit = Unit(subject, session)
    return as_json(anonymize.admit_session(pulled, converted, candidate, unit, whole, derivatives))


def export_session(
    pulled: Path, converted: Path, target: Path, profile: Profile, wanted: Wanted
) -> dict[str, Any]:
    """The record of a session's export."""
    unit = Unit(profile.subject, profile.session)
    exported = export.export_session(pulled, converted, target, profile, wanted)
    return as_json(record_of("study", unit, exported))


def table(converted: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write the table of a conversion, each series with what is said of it."""
    lacking = dict.fromkeys(SeriesRow.__struct_fields__) | {"reason": ""}
    Conversion.from_fields({"version": 1, "series": [lacking | row for row in rows]}).write_in(
        converted
    )


def as_json(value: object) -> Any:
    """A value as a reader of its JSON gets it."""
    return msgspec.json.decode(msgspec.json.encode(value))
