"""What went wrong with a series, by what dcm2niix printed: one line without identifiers."""

import re
from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path

from coil.bids.series.pictures import is_aside
from coil.dicom.header import read_texts

_MISSING = (
    "slices are missing (aborted, or not wholly archived); `expect: {volumes: n}` in its rule "
    "tells how many volumes are whole"
)

# What dcm2niix prints -> the cause and the remedy, the most telling first.
_CAUSES = (
    (
        r"(?i)unsupported transfer syntax|unable to decode|unable to decompress|OpenJPEG failed"
        r"|CharLS failed|RLE header|decode_JPEG|failed to decode|unsupported compression",
        "its pixels are compressed in a way that dcm2niix cannot read; "
        "decompress it in the archive",
    ),
    (r"File not large enough", "a file is truncated; repair it in the archive"),
)
_VAGUE = (
    (r"(?i)missing images|equidistant slices", _MISSING),
    (
        r"No valid DICOM images",
        "its files hold no pixels that dcm2niix can read; look at it in the archive",
    ),
)


class Folder:
    """The files of a series, looked into where dcm2niix leaves a doubt."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def files(self) -> list[Path]:
        """All files."""
        return sorted(path for path in self._path.iterdir() if path.is_file())

    @cached_property
    def images(self) -> int:
        """The number of files that should hold an image; a report does not."""
        return sum(not is_aside(path) for path in self.files)

    @cached_property
    def is_regular(self) -> bool:
        """Whether all positions of slices of one kind of image are there equally often."""
        seen: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for path in self.files:
            *kind, position = read_texts(path, "ImageType", "EchoTime", "ImagePositionPatient")
            seen[tuple(kind)][position] += 1
        return all(len(set(positions.values())) == 1 for positions in seen.values())


def failure(said: str, code: int, folder: Folder) -> str | None:
    """The reason why there is no image of a series, or none to be trusted; None where all is well.

    Parameters
    ----------
    said
        What dcm2niix printed. It leaves out a file that it cannot read, and goes on.
    code
        Its exit status.
    folder
        The files that it read.
    """
    total = len(folder.files)
    found = re.search(r"Found (\d+) DICOM", said)
    if found and (unread := total - int(found[1])) > 0:
        return f"{unread} of {total} files cannot be read; repair them in the archive"
    # A multi-frame file may become several images; files of which none was made are counted.
    used = [int(count) for count in re.findall(r"^Convert (\d+) DICOM", said, re.MULTILINE)]
    used += [int(count) for count in re.findall(r"(\d+) images have identical time", said)]
    lacking = folder.images - sum(used) if used and sum(used) < total else 0
    if code or lacking > 0:
        for pattern, cause in _CAUSES:
            if re.search(pattern, said):
                return cause
    if lacking > 0:
        return f"{lacking} of {total} files hold no image; repair or remove them in the archive"
    if code:
        for pattern, cause in _VAGUE:
            if re.search(pattern, said):
                return cause
        return f"dcm2niix stopped with status {code}; convert the series by hand to see why"
    # It goes on after some errors; where slices are missing, with volumes that mix others'.
    if re.search(r"^\s*Error:", said, re.MULTILINE) and not folder.is_regular:
        return _MISSING
    return None
