"""The part of a project's settings that a job gets, so that it runs again for no other change."""

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]
_DATASET = ("bids", "participants", "sessions", "phenotype", "deface")


def value_of(settings: Settings, *keys: str) -> Any:
    """The value of a key of the settings, or of a key in it; None where there is none."""
    value: Any = settings
    for key in keys:
        value = value.get(key) if value is not None else None
    return value


def dataset_settings(settings: Settings) -> dict[str, Any]:
    """The settings that make a project's dataset, without where it came from."""
    select = {key: settings["select"][key] for key in ("session_types", "scan_quality")}
    identity = {k: v for k, v in settings["identity"].items() if k != "secret_file"}
    return {**{key: settings[key] for key in _DATASET}, "select": select, "identity": identity}


def protection_settings(settings: Settings) -> dict[str, Any]:
    """The same, and what of it leaves for the archive and for other projects."""
    return {**dataset_settings(settings), **{key: settings[key] for key in ("push", "export")}}


def archive_share(settings: Settings) -> int:
    """A job's share of the 100 `xnat` that a profile grants, so that `connections` hold."""
    return 100 // settings["archive"]["connections"]
