"""Which files of a converted session may leave: known kinds, in known places."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TABLES = ("events", "beh")
RECORDINGS = ("physio", "stim")

_DATATYPES = "anat|beh|dwi|fmap|func|perf|pet"
_KINDS = (
    rf"[0-9A-Za-z]+\.(nii\.gz|json|bval|bvec)|({'|'.join(TABLES)}|aslcontext)\.tsv|"
    rf"({'|'.join(RECORDINGS)})\.tsv\.gz"
)


@dataclass
class Tree:
    """A session's part of a dataset: `source` it is taken from, `out` it goes to.

    `prefix` stands before the names of its files where both the raw data's and the
    derivatives' are listed; `left_behind` counts what is no known kind.
    """

    source: Path
    out: Path
    subject: str
    session: str
    prefix: str = ""
    left_behind: Counter[str] = field(default_factory=Counter[str])

    @property
    def inner(self) -> Path:
        """The session's folder in a dataset."""
        return Path(f"sub-{self.subject}") / f"ses-{self.session}"

    def known(self) -> Iterator[Path]:
        """The files to let through, sorted. What else there is is counted."""
        pattern = re.compile(
            rf"({_DATATYPES})/sub-{self.subject}_ses-{self.session}"
            rf"(_[a-z]+-[0-9A-Za-z+]+)*_({_KINDS})"
        )
        root = self.source / self.inner
        for path in sorted(root.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            name = path.relative_to(root).as_posix()
            if pattern.fullmatch(name) and not path.is_symlink():
                yield path
            elif not name.endswith("_scans.tsv"):  # the converter's own; ours replaces it
                kind = re.search(r"_([0-9A-Za-z]{1,20}(\.[a-z]{1,5}){1,2})$", path.name)
                self.left_behind[kind[1] if kind else "other"] += 1

    def target(self, path: Path) -> Path:
        """The path to which a file of the source goes."""
        return self.out / path.relative_to(self.source)

    def listed(self, path: Path) -> str:
        """The name by which a file, of the source or of what leaves, is listed."""
        root = self.out if path.is_relative_to(self.out) else self.source
        return f"{self.prefix}{path.relative_to(root).as_posix()}"

    def open_folders(self) -> None:
        """Let anyone enter the folders below `out`."""
        for path in self.written():
            inner = path.relative_to(self.out)
            for folder in set(inner.parents) - {Path()}:
                (self.out / folder).chmod(0o755)

    def written(self) -> list[Path]:
        """The files that leave, sorted."""
        return sorted(path for path in (self.out / self.inner).rglob("*") if path.is_file())
