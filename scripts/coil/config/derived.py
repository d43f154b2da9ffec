"""The resources, exports and sources that follow from a project's settings."""

import hashlib
from pathlib import Path
from typing import Any

from coil.config.model.project import Export
from coil.config.model.table import default
from coil.config.reading import project_file, project_path
from coil.files import is_object
from coil.workspace import Workspace


def wanted_resources(settings: dict[str, Any]) -> list[str]:
    """The resources that a project takes files beside the images from, sorted.

    A session's by its label; one that scans have as `scans/LABEL`.
    """
    wanted = {entry["resource"] for entry in settings["bids"].get("behaviour", [])}
    for rule in settings["bids"]["mapping"]:
        for kind in ("events", "physio", "stim"):
            for entry in _one_or_more(rule.get(kind, [])):
                of_scans = entry.get("of") == "scan"
                wanted.add(f"scans/{entry['resource']}" if of_scans else entry["resource"])
    return sorted(wanted)


def _one_or_more(value: Any) -> list[dict[str, Any]]:
    return [value] if is_object(value) else value


def export_settings(settings: dict[str, Any]) -> dict[str, str] | None:
    """The DICOM that a project exports: `dicom` (mapped or all) and `faces`; None if nothing."""
    wanted = settings["export"]
    if wanted == "none":
        return None
    written = {} if wanted == "dicom" else {k: v for k, v in wanted.items() if k != "to"}
    return {key: default(Export, key) for key in ("dicom", "faces")} | written


def export_target(settings: dict[str, Any]) -> dict[str, str] | None:
    """The other project that gets the export: `project`, perhaps `server` and `ca_bundle`."""
    wanted = settings["export"]
    to = wanted.get("to") if is_object(wanted) else None
    return {"project": to} if isinstance(to, str) else to


def mapping_sources(settings: dict[str, Any], file: str) -> dict[str, Path]:
    """The files of a project's mapping from which it takes names, by what `use` says.

    They are the archive's bidsmap, as discovery left it, and heuristics of the lab's own.
    Raises `ConfigError` where such a heuristic is not there.
    """
    sources: dict[str, Path] = {}
    for place, rule in enumerate(settings["bids"]["mapping"]):
        use = str(rule.get("use", ""))
        if use == "bidsmap":
            sources[use] = Workspace().private(Path(file).stem).bidsmap
        elif use.endswith(".py"):
            key = f"bids.mapping[{place}].use"
            sources[use] = project_file(use, project_path(file, Path()), Path(), key)
    return sources


def digests(sources: dict[str, Path]) -> dict[str, str]:
    """A digest of each file of `mapping_sources`, as a param: an edit converts again."""
    return {
        use: hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "absent"
        for use, path in sources.items()
    }


def wants_scanner(name: str, settings: dict[str, Any]) -> bool:
    """Whether a project's mapping asks for a derivative dataset of the scanner's, or did."""
    rules = settings["bids"]["mapping"]
    asks = any(str(rule.get("to", "")).startswith("derivatives/") for rule in rules)
    return asks or Workspace().results(name).scanner.is_dir()
