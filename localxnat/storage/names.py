"""The labels, IDs and paths that may be in the archive, and the names of a download's members."""

import re
from pathlib import PurePosixPath

from localxnat.errors import Refused

MAX_NAME = 255
MAX_PATH = 1024
_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_SCAN_ID = re.compile(r"[A-Za-z0-9_.-]+")
_RESOURCE = re.compile(r"[A-Za-z0-9_ .:+-]+")


def check_label(label: str, what: str) -> str:
    """`label` itself, or 417, XNAT's status for a bad character in a label."""
    if len(label) > MAX_NAME or not _LABEL.fullmatch(label):
        raise Refused(417, f"The {what} has a character other than letters, digits, _ and -.")
    return label


def check_scan_id(scan: str) -> str:
    """`scan` itself, or 417; it becomes a folder, so it is no dot name."""
    if len(scan) > MAX_NAME or not _SCAN_ID.fullmatch(scan) or not scan.strip("."):
        raise Refused(417, "The scan ID has a character other than letters, digits, _, . and -.")
    return scan


def check_resource_label(label: str) -> str:
    """`label` itself, or 417; it becomes a folder, so it is no dot name."""
    if len(label) > MAX_NAME or not _RESOURCE.fullmatch(label) or not label.strip(". "):
        raise Refused(417, "The resource label has a character that a folder name cannot hold.")
    return label


def check_file_path(path: str) -> str:
    """`path` as a clean relative path, or 400 for one that leaves its resource.

    Absolute names, `..`, backslashes, drive letters, control characters, names that are no
    Unicode text, and over-long names are refused.
    """
    if not path or path.startswith("/") or "\\" in path or re.match(r"[A-Za-z]:", path):
        raise Refused(400, "The file path is empty, absolute or has a backslash.")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise Refused(400, "The file path has a control character.")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise Refused(400, "The file path has an empty part, '.' or '..'.")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise Refused(400, "The file path is not valid Unicode text.") from None
    if max(sizes) > MAX_NAME or len(path) > MAX_PATH:
        raise Refused(400, "The file path is too long.")
    return str(PurePosixPath(path))


def member_part(text: str) -> str:
    """A scan type as it appears in the names of a download: only word characters and -."""
    return re.sub(r"[^\w-]", "_", text)
