"""The stages of a session by what a test says of them, and what they return as JSON's own types."""

from pathlib import Path
from typing import Any

import msgspec.json

from coil.bids.convert.convert import Terms
from coil.bids.convert.convert import convert_session as convert
from coil.bids.mapping.mapping import Mapping
from coil.units import Unit


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
    table = convert(pulled, converted, unit, Terms(mapping, **terms), scratch)
    return msgspec.json.decode(msgspec.json.encode(table))
