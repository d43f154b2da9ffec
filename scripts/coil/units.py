"""The neutral names of sessions, and what the Snakefile needs to know of them.

A unit is one session: `sub-<subject>_ses-<session>`. Nothing here is slow to import:
every job of a cluster parses the Snakefile once more.
"""

import csv
import functools
import hashlib
import re
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from coil.workspace import PROJECT, SCRIPTS

SESSION_MEMORY = (2000, 3000)
"""MB that a session's largest job asks for, and more for each GB of its images."""
_IMPORT = re.compile(r"^\s*from (coil[\w.]*) import (?:\(([^)]*)\)|([\w, ]+))", re.M)
_DATA = (".css", ".html", ".js", ".sh", ".smk", ".tsv", ".yaml")


class Unit(NamedTuple):
    """One session by its BIDS labels (without `sub-` and `ses-`)."""

    subject: str
    session: str

    def __str__(self) -> str:
        return unit_name(self.subject, self.session)

    @classmethod
    def of_name(cls, name: str) -> "Unit":
        """The session with a name as `unit_name` makes it."""
        subject, session = (part.partition("-")[2] for part in name.split("_"))
        return cls(subject, session)


class Units(tuple[Unit, ...]):
    """The sessions of a project, in their order; those of a scope are found without a search."""

    def in_scope(self, scope: str) -> Sequence[Unit]:
        """The sessions of a scope: a session's or a subject's name, or the whole project."""
        return self if scope == PROJECT else self._by_scope.get(scope, ())

    def among(self, names: Container[str]) -> "Units":
        """The sessions that are called one of some names."""
        return Units(unit for unit in self if str(unit) in names)

    @cached_property
    def _by_scope(self) -> dict[str, list[Unit]]:
        index: dict[str, list[Unit]] = {}
        for unit in self:
            index.setdefault(str(unit), []).append(unit)
            index.setdefault(f"sub-{unit.subject}", []).append(unit)
        return index


def unit_name(subject: str, session: str) -> str:
    """`sub-<subject>_ses-<session>`: a session's name in records, logs and reports."""
    return f"sub-{subject}_ses-{session}"


def scan_name(scan: str | None) -> str:
    """How messages name a scan; an ID that is no series number could tell too much."""
    return f"scan {scan}" if is_plain(scan) else "a scan"


def is_plain(scan: str | None) -> bool:
    """Whether a scan's ID is a series number, perhaps with a suffix of XNAT's."""
    return bool(re.fullmatch(r"\d{1,6}(-[A-Z]{2}\d{1,3})?", scan or ""))


def read_units(table: Path) -> Units:
    """The sessions in a project's sessions.tsv; none before the first discovery."""
    if not table.is_file():
        return Units()
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return Units(Unit(row["subject"], row["session"]) for row in rows)


class Code:
    """The files of Coil, each read once, and what each leads to."""

    def __init__(self, scripts: Path) -> None:
        self._scripts = scripts
        self._bytes: dict[Path, bytes] = {}
        self._next: dict[Path, list[Path]] = {}
        self._data: dict[Path, list[Path]] = {}

    def digest(self, script: str) -> str:
        """A digest of `<script>.py` and of all that it leads to, wherever it lies."""
        reached: set[Path] = set()
        waiting = [self._scripts / f"{script}.py"]
        while waiting:
            path = waiting.pop()
            if path not in reached and self._read(path):
                reached.add(path)
                waiting += self._next[path]
        summary = hashlib.sha256()
        for path in sorted(reached):
            name = path.relative_to(self._scripts).as_posix().encode()
            summary.update(name + b"\0" + self._bytes[path] + b"\0")
        return summary.hexdigest()[:12]

    def _read(self, path: Path) -> bool:
        """Whether there is such a file."""
        if path not in self._next:
            self._next[path] = []
            if path.is_file():
                self._bytes[path] = path.read_bytes()
                self._next[path] += self._leads_to(path) if path.suffix == ".py" else ()
        return path in self._bytes

    def _leads_to(self, path: Path) -> Iterator[Path]:
        """The modules that a module may import, and its package's own files."""
        for match in _IMPORT.finditer(self._bytes[path].decode()):
            module = self._scripts / Path(*match[1].split("."))
            names = (match[2] or match[3]).replace("\n", " ").split(",")
            yield from (module.with_suffix(".py"), module / "__init__.py")
            yield from (module / f"{name.split()[0]}.py" for name in names if name.strip())
        inside = path.relative_to(self._scripts).parts
        if inside[0] == "coil" and len(inside) > 2:  # a package's tables and templates are code
            yield from self._data_in(path.parent)

    def _data_in(self, package: Path) -> list[Path]:
        if package not in self._data:
            self._data[package] = [p for p in package.rglob("*") if p.suffix in _DATA]
        return self._data[package]


_code = functools.cache(Code)


def code_digest(script: str) -> str:
    """A digest of `scripts/<script>.py` and of every module of Coil that it leads to.

    As a rule's param it makes jobs run again when their code changed, and only then: a
    checkout that touches every file's time does not, nor one in another folder.
    """
    return _code(SCRIPTS).digest(script)
