"""Who is who: the secret, the pseudonyms and the one table that links them.

A pseudonym is a keyed hash (HMAC-SHA256, RFC 2104) of the archive's own ID, not of the
label, so that renaming a subject keeps it. Without the secret nobody can compute it, with
the secret nobody needs the table to compute it again.
"""

import csv
import hmac
import io
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Literal

from coil.errors import ConfigError, DataError
from coil.files import write_text

Kind = Literal["subject", "session"]

# Crockford's base 32 in lower case: no i, l, o, u, so that labels can be read aloud and
# file systems that ignore case cannot mix two up.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SECRET_BYTES = 32
MINIMUM_SECRET = 32


def load_secret(path: Path, create: bool = True) -> bytes:
    """The project's secret; made on first use, readable by its owner only.

    `create=False` is for a project that has pseudonyms already: a secret that is lost must
    not be replaced in silence by another one, or every subject would change its label.

    Raises ConfigError if others can read the file, or if it is missing, empty or too short.
    """
    path = path.expanduser()
    if not path.exists():
        if not create:
            raise ConfigError(
                f"{path}: the secret of this project's pseudonyms is missing; "
                "restore it from your backup, or remove the link table to start anew"
            )
        _create_secret(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"{path}: others may read the secret; run: chmod 600 {path}")
    secret = path.read_bytes().strip()
    if len(secret) < MINIMUM_SECRET:
        raise ConfigError(
            f"{path}: the secret is shorter than {MINIMUM_SECRET} characters; "
            "restore it, or delete the file to have one made"
        )
    return secret


def project_secret(secret_file: str | None, private: Path, create: bool = False) -> bytes:
    """The secret in the file that the config's `identity` names, else in the project's `private`.

    See `load_secret`.
    """
    return load_secret(Path(secret_file or private / "secret"), create)


def keyed_digest(secret: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 of `parts`, each preceded by its length so that none runs into the next."""
    return hmac.digest(secret, b"".join(map(_with_length, parts)), "sha256")


def keyed_digests(secret: bytes, *parts: str) -> Callable[[str], bytes]:
    """A function that gives `keyed_digest` of `parts` and one part more, for many of these."""
    begun = hmac.new(secret, b"".join(map(_with_length, parts)), "sha256")

    def digest(part: str) -> bytes:
        one = begun.copy()
        one.update(_with_length(part))
        return one.digest()

    return digest


def _with_length(part: str) -> bytes:
    data = part.encode()
    return len(data).to_bytes(4, "big") + data


def pseudonym(secret: bytes, project: str, kind: Kind, archive_id: str, length: int = 8) -> str:
    """The BIDS label of an archive ID: `length` characters of 5 bits each.

    With the default of 40 bits two of 10,000 subjects share a label with a chance of
    5 in 100,000; `LinkTable` refuses it when it happens.
    """
    number = int.from_bytes(keyed_digest(secret, "pseudonym", project, kind, archive_id), "big")
    return "".join(ALPHABET[number >> (5 * digit) & 31] for digit in range(length))


def bids_label(label: str) -> str | None:
    """`label` if BIDS allows it as it is (letters and digits), for `identity: label`."""
    return label if re.fullmatch(r"[0-9A-Za-z]{1,64}", label) else None


@dataclass(frozen=True, order=True)
class Link:
    """One session: the archive's IDs and labels, and the BIDS labels that stand for them."""

    subject_id: str
    session_id: str
    subject_label: str
    session_label: str
    subject: str
    session: str


COLUMNS = tuple(field.name for field in fields(Link))
SALT = "salt"
"""The column, or key, of a random text in a private file that Snakemake notes a digest of.

Without it whoever guesses names and IDs could compute that digest and see that they are right.
"""


class LinkTable:
    """`private/<project>/link.tsv`: the only place where both names of a session stand.

    Rows of sessions that the archive no longer has are kept, so that a label is never
    given to somebody else. A last column holds the table's `SALT`.
    """

    def __init__(self, *links: Link, salt: str = "") -> None:
        self._rows: dict[str, Link] = {}
        self._salt = salt or secrets.token_hex(SECRET_BYTES // 2)
        self.add(*links)

    @property
    def rows(self) -> list[Link]:
        """All rows, sorted."""
        return sorted(self._rows.values())

    def find(self, subject: str, session: str) -> Link:
        """The row of a session by its BIDS labels; DataError if there is none."""
        for row in self._rows.values():
            if (row.subject, row.session) == (subject, session):
                return row
        raise DataError(
            "the link table does not know this session; run again with discovery, or restore it"
        )

    def add(self, *links: Link) -> None:
        """Add sessions, or replace what is known of them.

        Raises DataError, and adds none, if two archive subjects would share a label
        (whatever its case), if one subject would have two, or if two sessions of one
        subject would share theirs.
        """
        rows = self._rows | {link.session_id: link for link in links}
        owner: dict[str, str] = {}
        label: dict[str, str] = {}
        sessions: set[tuple[str, str]] = set()
        for row in rows.values():
            if owner.setdefault(row.subject.lower(), row.subject_id) != row.subject_id:
                raise DataError(
                    "two subjects of the archive would share one BIDS label; "
                    "rename one of them there (identity: label) or use another secret (hmac)"
                )
            if label.setdefault(row.subject_id, row.subject) != row.subject:
                raise DataError(
                    "a subject of the archive would get a second BIDS label; keep the config's "
                    "identity as it was, or remove the link table and the results"
                )
            session = (row.subject_id, row.session.lower())
            if session in sessions:
                raise DataError(
                    "two sessions of one subject would share one BIDS label; "
                    "rename one of them in the archive"
                )
            sessions.add(session)
        self._rows = rows

    @classmethod
    def read(cls, path: Path) -> "LinkTable":
        """The table in a file; an empty one if there is none."""
        if not path.is_file():
            return cls()
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t")
            if tuple(name for name in reader.fieldnames or () if name != SALT) != COLUMNS:
                raise DataError(f"{path}: not a link table; restore it or delete it")
            rows = list(reader)
            salt = next((row[SALT] for row in rows if row.get(SALT)), "")
            return cls(*(Link(**{name: row[name] for name in COLUMNS}) for row in rows), salt=salt)

    def write(self, path: Path) -> None:
        """Write the table, mode 0600, by rename."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow((*COLUMNS, SALT))
        writer.writerows((*attrgetter(*COLUMNS)(row), self._salt) for row in self.rows)
        write_text(path, text.getvalue(), mode=0o600)


def _create_secret(path: Path) -> None:
    """A new secret that appears whole; a process that was faster wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = secrets.token_hex(SECRET_BYTES) + "\n"
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret.")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        path.hardlink_to(temporary)  # fails where a rename would replace
    except FileExistsError:
        pass
    except OSError:
        _write_new(path, text)  # the file system has no hard links
    finally:
        temporary.unlink()


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner only; one that came to be stays."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
