"""The stages of a session by what a test says of them, and what they return as JSON's own types."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec.json

from coil.bids.convert import convert
from coil.bids.mapping.mapping import Mapping
from coil.deid.bids import anonymize
from coil.deid.bids.terms import Terms
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


def as_json(value: object) -> Any:
    """A value as a reader of its JSON gets it."""
    return msgspec.json.decode(msgspec.json.encode(value))
