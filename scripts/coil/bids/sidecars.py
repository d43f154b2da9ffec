"""What rules add beside the images: supplied metadata, field map ties, ASL contexts."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from coil.bids import names, outputs
from coil.bids.rules import Rule
from coil.errors import DataError
from coil.files import read_json, write_json, write_text


def supplement(files: list[Path], values: dict[str, Any]) -> list[str]:
    """Write a rule's values over those of the sidecars; returns the keys, sorted."""
    if values:
        for image in outputs.images(files):
            path = outputs.sidecar(image)
            write_json(path, read_json(path) | values)
    return sorted(values)


def aslcontext(files: list[Path], volume_types: tuple[str, ...]) -> list[Path]:
    """Write `_aslcontext.tsv` beside an ASL run; returns the files written.

    A list shorter than the run is repeated if it goes into its volumes without a rest, so
    that `[control, label]` serves any run of pairs.

    Raises
    ------
    DataError
        If the list does not fit the run.
    """
    if not volume_types:
        return []
    image = outputs.images(files)[0]
    count = outputs.volumes(image)
    times, rest = divmod(count, len(volume_types))
    if rest or not times:
        raise DataError(
            f"{len(volume_types)} volume types in `aslcontext` do not fit its {count} volumes; "
            "list one for each volume"
        )
    datatype, _, values = names.split(f"{image.parent.name}/{image.name}")
    kept = {key: value for key, value in values.items() if key not in ("echo", "part")}
    base = names.join(datatype, "aslcontext", kept).partition("/")[2]
    path = image.with_name(f"{base}.tsv")
    write_text(path, "\n".join(["volume_type", *volume_types * times]) + "\n")
    return [path]


def tie_field_maps(rows: list[tuple[Rule, list[Path]]], session: Path) -> list[str]:
    """Tie field maps to what they correct, by the `b0` name that their rules share.

    A field map (`fmap/...`) of that name gets B0FieldIdentifier and IntendedFor, every other
    image B0FieldSource. The session's label makes the name unique to the participant.

    Parameters
    ----------
    rows
        The rule and the files of every mapped series.
    session
        The folder of the session, `sub-X/ses-Y`.

    Returns
    -------
    The `b0` names that tie nothing: no field map, or nothing that it corrects.
    """
    sources: dict[str, list[Path]] = defaultdict(list)
    targets: dict[str, list[Path]] = defaultdict(list)
    for rule, files in rows:
        if rule.b0:
            side = sources if rule.datatype == "fmap" else targets
            side[rule.b0] += outputs.images(files)
    root = session.parent.parent
    for b0 in sorted(set(sources) & set(targets)):
        identifier = f"{b0}_{session.name.replace('-', '')}"
        intended = [f"bids::{path.relative_to(root).as_posix()}" for path in sorted(targets[b0])]
        for image in sources[b0]:
            _update(image, {"B0FieldIdentifier": identifier, "IntendedFor": intended})
        for image in targets[b0]:
            _update(image, {"B0FieldSource": identifier})
    return sorted(set(sources) ^ set(targets))


def _update(image: Path, values: dict[str, Any]) -> None:
    path = outputs.sidecar(image)
    write_json(path, read_json(path) | values)
