"""What rules add beside the images: supplied metadata, ASL contexts."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from pathlib import Path

from coil.bids import names, outputs
from coil.errors import DataError
from coil.files import JsonObject, read_json, write_json, write_text

_DAY = timedelta(days=1)


def read(image: Path) -> JsonObject:
    """The sidecar of an image."""
    return read_json(outputs.sidecar(image))


def update(image: Path, values: JsonObject) -> None:
    """Write values over those of an image's sidecar."""
    write_json(outputs.sidecar(image), read(image) | values)


def fill(image: Path, values: JsonObject) -> JsonObject:
    """Write values that an image's sidecar lacks; returns what it holds then."""
    known = read(image)
    if values.keys() - known.keys():
        known = values | known
        write_json(outputs.sidecar(image), known)
    return known


def supplement(files: list[Path], values: JsonObject) -> list[str]:
    """Write a rule's values over those of the sidecars; returns the keys, sorted."""
    if values:
        for image in outputs.images(files):
            update(image, values)
    return sorted(values)


def start(files: Iterable[Path], first: str | None) -> str | None:
    """When the run began: the day of `first`, at the earliest time in the sidecars.

    `first` is the date and time (ISO) of some file of the series; which one depends on how the
    archive names its files. It may be on the other side of midnight.
    """
    times = [str(read(image).get("AcquisitionTime", "")) for image in outputs.images(files)]
    try:
        known = datetime.fromisoformat(first or "")
        found = min(datetime.combine(known, time.fromisoformat(text)) for text in times)
    except ValueError:
        return first
    days = round((known - found) / _DAY)
    return (found + days * _DAY).isoformat(timespec="microseconds")


def tell_echo_times(files: Iterable[Path]) -> None:
    """Give a phase difference that lacks them the echo times of the magnitudes beside it."""
    for image in outputs.images(files):
        if image.name.endswith("_phasediff.nii.gz"):
            base = image.name.removesuffix("_phasediff.nii.gz")
            beside = [image.with_name(f"{base}_magnitude{n}.json") for n in (1, 2)]
            times = [read_json(path).get("EchoTime") for path in beside if path.is_file()]
            if len(times) == 2 and None not in times:
                fill(image, dict(zip(("EchoTime1", "EchoTime2"), times, strict=True)))


def check_units(files: Iterable[Path]) -> None:
    """Refuse a field map in unknown units, which nobody could use.

    Raises
    ------
    DataError
        If neither the scanner nor the rule says the unit.
    """
    for image in outputs.images(files):
        if image.name.endswith("_fieldmap.nii.gz") and not read(image).get("Units"):
            raise DataError(
                "the scanner does not say the unit of its field; add "
                "`supplement: {Units: Hz}` (or rad/s, T) to its rule"
            )


def fit(types: tuple[str, ...], volumes: int) -> tuple[str, ...]:
    """A list of volume types as long as a run.

    A list shorter than the run is repeated if it goes into its volumes without a rest, so
    that `[control, label]` serves any run of pairs.

    Raises
    ------
    DataError
        If the list does not fit the run.
    """
    times, rest = divmod(volumes, len(types))
    if rest or not times:
        raise DataError(
            f"{len(types)} volume types in `aslcontext` do not fit its {volumes} volumes; "
            "list one for each volume"
        )
    return types * times


def aslcontext(image: Path, types: tuple[str, ...]) -> list[Path]:
    """Write `_aslcontext.tsv` beside an ASL run; returns the files written."""
    datatype, _, values = names.split(f"{image.parent.name}/{image.name}")
    kept = {key: value for key, value in values.items() if key not in ("echo", "part")}
    base = names.join(datatype, "aslcontext", kept).partition("/")[2]
    path = image.with_name(f"{base}.tsv")
    write_text(path, "\n".join(["volume_type", *types]) + "\n")
    return [path]
