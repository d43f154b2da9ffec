"""The addresses of objects: /data/projects/P/subjects/S/experiments/E/scans/4/resources/R/files/x.

Several prefixes are one interface: /data, /data/archive, /REST and /archive.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote

from localxnat.errors import Refused

PREFIXES = (("data", "archive"), ("data",), ("REST", "archive"), ("REST",), ("archive",))
# What may follow what. `scans` after /projects/P/experiments/E is missing on purpose: XNAT
# does not route it and answers the session (see `parse`).
BELOW: dict[str, set[str]] = {
    "": {"projects", "subjects", "experiments"},
    "projects": {"subjects", "experiments", "resources", "files", "users", "accessibility",
                 "prearchive_code", "quarantine_code", "current_arc", "history"},
    "subjects": {"history", "experiments", "resources", "files", "projects"},
    "experiments": {"scans", "assessors", "reconstructions", "resources", "files", "projects",
                    "status", "history"},
    "scans": {"resources", "files", "projects"},
    "assessors": {"resources", "files", "projects", "out", "in"},
    "out": {"resources", "files"},
    "in": {"resources", "files"},
    "reconstructions": {"resources", "files"},
    "resources": {"files"},
}  # fmt: skip
NAMELESS = {"out", "in", "status", "history"}
# What follows these is a path or a value, whatever its slashes.
SETTINGS = {"accessibility", "prearchive_code", "quarantine_code", "current_arc"}
TAILS = {"files", "users", *SETTINGS}


@dataclass
class Address:
    """A parsed path: the names on the way, and the collection or the object it ends in.

    `collection` is the last word when no name follows it (`/data/projects`), else None.
    """

    steps: list[tuple[str, str]] = field(default_factory=list)
    collection: str | None = None

    def get(self, word: str) -> str | None:
        """The name after a word; the first, for `projects` (a second one is a share)."""
        return next((name for step, name in self.steps if step == word), None)

    @property
    def last(self) -> str:
        """The word of the object that the path ends in."""
        return self.steps[-1][0] if self.steps else ""

    @property
    def names_files(self) -> bool:
        """Whether the path ends in the files of a resource, or in one of them."""
        return "files" in (self.last, self.collection)

    @property
    def shared_into(self) -> str | None:
        """P2 of /projects/P/subjects/S/projects/P2."""
        names = [name for step, name in self.steps[1:] if step == "projects"]
        return names[0] if names else None


def segments(raw_path: bytes) -> list[str]:
    """The parts of a path, each unquoted by itself, so that %2F stays inside its part."""
    path = raw_path.decode("latin-1").partition("?")[0]
    try:
        return [unquote(part, errors="strict") for part in path.split("/") if part]
    except UnicodeDecodeError:
        raise Refused(400, "The address is not valid UTF-8.") from None


def parse(parts: list[str]) -> Address:
    """The address of path parts with their prefix; 404 for one that XNAT does not route."""
    for prefix in PREFIXES:
        if tuple(parts[: len(prefix)]) == prefix:
            parts = parts[len(prefix) :]
            break
    address = Address()
    where = ""
    index = 0
    while index < len(parts):
        word = parts[index]
        if word not in BELOW.get(where, set()):
            raise Refused(404, "The server has not found anything matching the request URI.")
        if word in ("scans", "assessors") and _short_of_subject(address):
            return address
        index += 1
        if word in NAMELESS:
            address.steps.append((word, ""))
            where = word
            if index == len(parts):
                address.collection = word
            continue
        if index == len(parts):
            address.collection = word
            return address
        if word in TAILS:
            address.steps.append((word, "/".join(parts[index:])))
            return address
        address.steps.append((word, parts[index]))
        where = word
        index += 1
    return address


def _short_of_subject(address: Address) -> bool:
    return address.get("projects") is not None and address.get("subjects") is None
