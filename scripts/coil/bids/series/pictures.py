"""Which files of a series are images, and whether text may stand in the pixels of any of them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from coil import passing
from coil.bids.series.alike import Alike
from coil.deid import pixels
from coil.dicom.header import read, read_texts


class Judged(NamedTuple):
    """Why text may stand in a series' pixels (""; it may not), and how many files nobody can tell
    that of, as their headers cannot be read."""

    text: str = ""
    unread: int = 0


def split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The images among the files of a series, and the others; all are images where none is.

    The first is that with the lowest instance number, whatever names the archive gives to its
    files; one that has none, or cannot be read, comes behind all others. The rest is by name.
    """
    identities = {path: _identity(path) for path in files}
    odd = [path for path, (sop_class, _) in identities.items() if sop_class not in pixels.SCANNED]
    others = [path for path in odd if is_aside(path)]
    if len(others) == len(files):
        others = []
    images = sorted(set(files) - set(others))
    first = min(images, key=lambda path: (identities[path][1], path.name), default=None)
    return [path for path in (first,) if path] + [p for p in images if p != first], others


def judge(files: Sequence[Path]) -> Judged:
    """Whether text may stand in the pixels of the images of a series: every file counts."""
    alike = Alike(pixels.decides)
    reasons: list[str] = []
    unread = 0
    for path in files:
        if alike.knows(path):
            continue
        try:
            header = read(path)
            holds = pixels.holds_image(header.raw)  # or its end is missing: dcm2niix tells
            reason = pixels.text_in(header.raw, header.tags()) if holds else None
        except Exception as error:  # whatever pydicom makes of a broken file
            passing.let_through(error)
            unread += 1
            continue
        if reason:
            reasons.append(reason)
        else:
            alike.learn(header)
    if not reasons:
        return Judged("", unread)
    some = f"{len(reasons)} of {len(files)} files: " if len(reasons) < len(files) else ""
    return Judged(some + reasons[0], unread)


def _identity(path: Path) -> tuple[str, float]:
    """The SOP class of a file, and its instance number."""
    try:
        sop_class, number = read_texts(path, "SOPClassUID", "InstanceNumber")
    except Exception as error:  # whatever pydicom makes of a broken file
        passing.let_through(error)
        return "", math.inf
    return sop_class, _number(number)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return math.inf


def is_aside(path: Path) -> bool:
    """Whether a file is none of the images of its series; one that is broken should be."""
    try:
        return pixels.is_aside(read(path).raw)
    except Exception as error:  # whatever pydicom makes of a broken file
        passing.let_through(error)
        return False
