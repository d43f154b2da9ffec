"""Files that appear whole or not at all."""

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

JsonObject = dict[str, Any]
"""An object in the JSON of others: a sidecar, an answer of the archive. Ours are records."""

_EPOCH = 946_684_800  # 2000-01-01; the times of published files lie in the eight years from it

_MOST_PARTS = 1000  # that one call takes (IOV_MAX is 1024)


def write_bytes(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write `data` to `path` by rename; `mode` sets the permissions before it appears."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    permissions = 0o666 if mode is None else mode  # less the umask
    try:
        descriptor = os.open(temporary, flags, permissions)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, flags, permissions)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            stream.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, mode: int | None = None) -> None:
    """Write `text` as UTF-8 to `path` by rename."""
    write_bytes(path, text.encode(), mode)


def write_json(path: Path, value: Any, mode: int | None = None) -> None:
    """Write `value` as indented JSON with a final newline, by rename."""
    write_text(path, json_text(value), mode)


def json_text(value: Any) -> str:
    """`value` as indented JSON with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_if_changed(path: Path, text: str, mode: int | None = None) -> bool:
    """Write `text` unless the file holds it already, so that its time tells of a change.

    Returns whether it was written.
    """
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_text(path, text, mode)
    return True


def is_object(value: Any) -> TypeGuard[JsonObject]:
    """Whether a value in JSON is an object."""
    return isinstance(value, dict)


def read_json(path: Path) -> Any:
    """The value in a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def md5(path: Path) -> str:
    """The MD5 of a file's bytes, in hexadecimal: XNAT's digest."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_of(chunks: Iterable[bytes]) -> str:
    """The MD5 of a stream of bytes, in hexadecimal."""
    summary = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        summary.update(chunk)
    return summary.hexdigest()


def packed(data: bytes) -> bytes:
    """`data` as gzip has it, with neither a name nor a time in the header."""
    stream = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, stream, mtime=0) as archive:
        archive.write(data)
    return stream.getvalue()


def publish(source: Path, target: Path, root: Path, umask: int) -> None:
    """Move a protected folder to `target` below `root` by rename, in place of what is there.

    Files and folders get the permissions that `umask` leaves, those between and those that have
    to be made as well. Their times tell nothing (`erase_time`).
    """
    for folder, _, names in os.walk(source, topdown=False):
        for name in names:
            Path(folder, name).chmod(0o666 & ~umask)
            erase_time(Path(folder, name))
        Path(folder).chmod(0o777 & ~umask)
        erase_time(Path(folder))
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in {target.parent, root, *made}:
        folder.chmod(0o777 & ~umask)
    replace_folder(source, target)
    for folder in target.parents:
        if folder == root:
            break
        erase_time(folder)


def replace_folder(source: Path, target: Path) -> None:
    """Move a folder in place of `target`, which is there whole or not at all.

    A rename does not cross file systems; there the folder is copied beside `target` first, with
    its permissions and times.
    """
    for left in target.parent.glob(f".{target.name}.moving-*"):  # of a move that was killed
        remove_tree(left)
    near = target.with_name(f".{target.name}.moving-{os.urandom(4).hex()}")
    try:
        source.rename(near)
    except OSError as error:
        if error.errno != errno.EXDEV:  # two mounts of one disk have one number and no rename
            raise
        shutil.copytree(source, near, symlinks=True)
        remove_tree(source)
    remove_tree(target)
    near.rename(target)


def link(source: Path | str, target: Path | str) -> None:
    """Make `target` the same file as `source`, or a copy of it where no hard link can be."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(source, target)


def erase_time(path: Path) -> None:
    """Give a file or a folder a time that is none.

    A lab that processes each night what came by day would tell with the time of a file when
    somebody was scanned, and so by how much this person's dates are moved. A file's time follows
    from its bytes, so that `rsync` sees a change.
    """
    digits = sha256(path)[:7] if path.is_file() else "0"
    when = _EPOCH + int(digits, 16)
    os.utime(path, (when, when))


def write_parts(path: Path, parts: Sequence[bytes | memoryview]) -> int:
    """Write a new file of several parts without joining them; its size in bytes."""
    size = sum(map(len, parts))
    if len(parts) > _MOST_PARTS:
        parts = [b"".join(parts)]
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        done = os.writev(file, parts)
        rest = memoryview(b"".join(parts))[done:] if done < size else b""
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)
    return size


def remove_tree(path: Path) -> None:
    """Remove a folder or a file, whatever its permissions; nothing there is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)
