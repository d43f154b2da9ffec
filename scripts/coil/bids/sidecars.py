"""What rules add beside the images: supplied metadata, ASL contexts."""

from pathlib import Path
from typing import Any

from coil.bids import names, outputs
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
