"""Which BIDS name each image gets that dcm2niix makes of one series.

dcm2niix makes an image of each echo, of each component of complex data and of each geometry.
The BIDS name of the series is the stem of all of them; what tells them apart is added here.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coil.bids import names

Component = Literal["mag", "phase", "real", "imag", "fieldmap"]

# The words that dcm2niix appends to a file's name for what is no magnitude.
_COMPONENTS: dict[str, Component] = {"ph": "phase", "real": "real", "imaginary": "imag"}

# Field maps that one gradient echo series may hold together, by the suffix of its rule.
_GRADIENT_ECHO = frozenset(
    {
        "magnitude",
        "magnitude1",
        "magnitude2",
        "phase",
        "phase1",
        "phase2",
        "phasediff",
        "fieldmap",
    }
)


class UnnamedError(Exception):
    """BIDS has no names for the images of a series; the text says why, without identifiers."""


@dataclass(frozen=True)
class Image:
    """What tells one image of a series from the others; times in s, angles in degrees.

    `stem` is dcm2niix's name for it, `partial` an unfinished volume that it set aside.
    """

    stem: str
    component: Component = "mag"
    echo_number: int | None = None
    echo_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    coil: str | None = None
    partial: bool = False


def describe(stem: str, sidecar: Mapping[str, Any]) -> Image:
    """The image `stem` by the words in its name and by its sidecar."""
    component: Component = "mag"
    for word in stem.split("_")[1:]:
        # Where two names would be one, dcm2niix ends the second with a letter.
        found = re.fullmatch(r"(ph|real|imaginary)[a-z]?", word)
        component = _COMPONENTS[found[1]] if found else component
    if "FIELDMAPHZ" in sidecar.get("ImageType", ()):
        component = "fieldmap"
    return Image(
        stem,
        component,
        sidecar.get("EchoNumber"),
        sidecar.get("EchoTime"),
        sidecar.get("InversionTime"),
        sidecar.get("FlipAngle"),
        sidecar.get("CoilString"),
        # dcm2niix marks the last, unfinished volume of an aborted run so on Siemens XA.
        not sidecar.get("RawImage", True)
        and sidecar.get("SeriesNumber", 0) > 1000
        and "syngo MR XA" in str(sidecar.get("SoftwareVersions", "")),
    )


def assign(name: str, images: Sequence[Image], chunks: bool = False) -> dict[str, str]:
    """The name of each image of a series, by dcm2niix's stem.

    Parameters
    ----------
    name
        The BIDS name of the series, `datatype/sub-X_ses-Y_..._suffix`.
    images
        What dcm2niix made of it, in whatever order.
    chunks
        Whether images of different geometry are chunks of one (`chunk-1`, ...).

    Raises
    ------
    UnnamedError
        If two images would get one name, or one that BIDS does not have.
    """
    ordered = sorted(images, key=lambda image: _natural(image.stem))
    datatype, suffix, _ = names.split(name)
    if datatype == "fmap" and suffix in _GRADIENT_ECHO:
        named = _field_maps(name, ordered)
    else:
        named = _split(name, ordered)
    if chunks:
        named = _chunks(named)
    counts = Counter(named.values())
    if max(counts.values()) > 1:
        raise UnnamedError(_several(name, ordered))
    for value in named.values():
        if problem := names.name_problem(value):
            raise UnnamedError(f"{_count(images)}, and {problem}")
    return named


def remark(name: str, images: Sequence[Image]) -> str:
    """A note on what the name of a series should say of its images and does not; else empty."""
    datatype, suffix, written = names.split(name)
    kind = names.kind(datatype, suffix)
    components = {image.component for image in images}
    if kind is None or "part" not in kind.allowed or "part" in written or len(components) > 1:
        return ""
    (component,) = components
    is_part = component in ("phase", "real", "imag")
    return (
        f"all its images are {component}; write `part: {component}` in its rule" if is_part else ""
    )


def _split(name: str, images: Sequence[Image]) -> dict[str, str]:
    """Names by echo, component, inversion and flip angle, as far as the images differ in them."""
    datatype, suffix, written = names.split(name)
    kind = names.kind(datatype, suffix)
    assert kind is not None
    values: dict[str, dict[str, str]] = {image.stem: dict(written) for image in images}
    for entity, what, index in _AXES:
        found = index(images)
        several = len(set(found.values())) > 1
        # Two inversions may differ in their flip angles, too, and need to say it once.
        matters = entity in ("echo", "part") or entity in kind.required or _alike(values)
        if several and matters:
            if entity in written:
                raise UnnamedError(
                    f"its {len(images)} images differ in {what}; leave `{entity}` out of its rule"
                )
            if entity not in kind.allowed:
                raise UnnamedError(
                    f"{_count(images)} that differ in {what}, and {datatype}/{suffix} takes no "
                    f"{entity}"
                )
            for stem, value in found.items():
                values[stem][entity] = value
    if "echo" in kind.required:  # told by the scanner even where the echoes come one by one
        for image in images:
            values[image.stem].setdefault("echo", str(image.echo_number or 1))
    return {stem: names.join(datatype, suffix, named) for stem, named in values.items()}


def _field_maps(name: str, images: Sequence[Image]) -> dict[str, str]:
    """Names of the magnitudes and phases, or of the field, of a gradient echo field map."""
    datatype, suffix, written = names.split(name)
    if len(images) == 1:
        return {images[0].stem: name}
    magnitudes = [image for image in images if image.component == "mag"]
    others = [image for image in images if image.component != "mag"]
    named: dict[str, str] = {}
    for group, words in (
        (magnitudes, _magnitude_words(suffix, len(magnitudes), bool(others))),
        (others, _phase_words(suffix, len(others))),
    ):
        by_echo = sorted(group, key=lambda image: (image.echo_time or 0, _natural(image.stem)))
        if len({image.echo_time for image in group}) < len(group):
            raise UnnamedError(_several(name, images))
        if group and len(words) != len(group):
            raise UnnamedError(f"{_count(images)}, which are not what fmap/{suffix} consists of")
        for image, word in zip(by_echo, words, strict=False):
            named[image.stem] = names.join(datatype, word, written)
    return named


def _magnitude_words(suffix: str, count: int, beside: bool) -> list[str]:
    if count == 2:
        return ["magnitude1", "magnitude2"]
    if beside:
        return ["magnitude" if suffix == "fieldmap" else "magnitude1"]
    return [suffix]


def _phase_words(suffix: str, count: int) -> list[str]:
    if count == 2:
        return ["phase1", "phase2"]
    return ["fieldmap" if suffix == "fieldmap" else "phasediff"]


def _chunks(named: dict[str, str]) -> dict[str, str]:
    """The names with a chunk index where several images share one."""
    counts = Counter(named.values())
    taken: Counter[str] = Counter()
    chunked: dict[str, str] = {}
    for stem, name in named.items():
        datatype, suffix, values = names.split(name)
        if counts[name] > 1:
            taken[name] += 1
            values["chunk"] = str(taken[name])
        chunked[stem] = names.join(datatype, suffix, values)
    return chunked


def _several(name: str, images: Sequence[Image]) -> str:
    if len({image.coil for image in images}) > 1:
        return f"{_count(images)}, one of each coil; have the scanner combine them, or ignore it"
    return (
        f"{_count(images)} that differ in their geometry (mixed orientations, or slices apart); "
        f"ignore it, or set `chunk: auto` where {name.partition('/')[0]} images may be chunks"
    )


def _count(images: Sequence[Image]) -> str:
    return f"dcm2niix makes {len(images)} images of it" if len(images) > 1 else "its image is made"


def _alike(values: dict[str, dict[str, str]]) -> bool:
    return len({tuple(sorted(named.items())) for named in values.values()}) < len(values)


def _by_echo(images: Sequence[Image]) -> dict[str, str]:
    """The scanner's echo numbers where they tell all echoes apart, else the order of times."""
    numbers = {image.echo_time: image.echo_number for image in images}
    if None not in numbers.values() and len(set(numbers.values())) == len(numbers):
        return {image.stem: str(numbers[image.echo_time]) for image in images}
    return _by_rank(images, lambda image: image.echo_time)


def _by_rank(images: Sequence[Image], key: Callable[[Image], float | None]) -> dict[str, str]:
    order = sorted({key(image) or 0.0 for image in images})
    return {image.stem: str(order.index(key(image) or 0.0) + 1) for image in images}


_AXES: tuple[tuple[str, str, Callable[[Sequence[Image]], dict[str, str]]], ...] = (
    ("echo", "echo time", _by_echo),
    ("part", "component", lambda images: {image.stem: image.component for image in images}),
    ("inv", "inversion time", lambda images: _by_rank(images, lambda image: image.inversion_time)),
    ("flip", "flip angle", lambda images: _by_rank(images, lambda image: image.flip_angle)),
)


def _natural(stem: str) -> tuple[tuple[str, int], ...]:
    """A key that sorts `i2` before `i10`."""
    return tuple((word, int(digits or 0)) for word, digits in re.findall(r"(\D*)(\d*)", stem))
