"""The part of a project's settings that a job gets, so that it runs again for no other change."""

from collections.abc import Mapping
from typing import Any

from coil.config.derived import export_settings

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


def protection_rules(settings: Settings) -> dict[str, Any]:
    """The settings by which a session may leave, and by which its people are named."""
    keys = settings["bids"]["sidecar_keys"]
    return {**{key: settings[key] for key in ("identity", "deface")}, "sidecar_keys": keys}


def export_rules(settings: Settings) -> dict[str, Any]:
    """The settings by which a session may leave as DICOM."""
    kept = {key: settings[key] for key in ("identity", "deface")}
    return {**kept, "export": export_settings(dict(settings))}


def series_settings(
    settings: Settings, sources: Mapping[str, str], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings that decide the end of each series of a session.

    `sources` are digests of the files of the mapping's sources, `overrides` those of the session.
    """
    wanted = {key: settings["bids"].get(key) for key in ("mapping", "policy", "synonyms")}
    return {**wanted, "sources": dict(sources), "overrides": dict(overrides)}


def conversion_settings(settings: Settings) -> dict[str, Any]:
    """The settings that make files beside and in the images, whichever program converts."""
    return {key: settings["bids"][key] for key in ("field_maps", "behaviour")}


def archive_share(settings: Settings) -> int:
    """A job's share of the 100 `xnat` that a profile grants, so that `connections` hold."""
    return 100 // settings["archive"]["connections"]
