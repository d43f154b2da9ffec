"""Whether a project can be written to: a resource of the doctor's own, made, read and removed."""

import secrets
from collections.abc import Iterator

from coil import files
from coil.archive.client import Archive, part
from coil.archive.resources import Resource, ResourceFile, held
from coil.doctor.findings import OK, PROBLEM, Finding
from coil.errors import CoilError

FILE = "doctor.txt"
TEXT = b"The doctor of Coil wrote this to see whether it can, and removes it again.\n"


def look(archive: Archive, project: str, name: str) -> Iterator[Finding]:
    """Make a resource of the project, read it back and remove it; what does not work.

    Its label is a new one, so that nothing of anybody else's is touched.
    """
    base, resource = (
        f"/data/projects/{part(project)}",
        Resource(f"coil_doctor_{secrets.token_hex(6)}"),
    )
    try:
        text, remedy = _write(archive, base, resource)
    except CoilError as error:
        text, remedy = error.cause, error.remedy
    finally:
        left = _remove(archive, base, resource)
    if text:
        yield Finding("Login", "writing", PROBLEM, text, remedy, name)
    if left:
        yield Finding(
            "Login", "writing", PROBLEM, f"the resource {resource} was made and cannot be removed",
            "ask for the right to delete, and remove it by hand", name,
        )  # fmt: skip
    if not text and not left:
        done = "a resource was made, read back and removed"
        yield Finding("Login", "writing", OK, done, project=name)


def _write(archive: Archive, base: str, resource: Resource) -> tuple[str, str]:
    """Write the file and read it back; what did not work, and what to do."""
    archive.put(resource.file_address(base, FILE), data=TEXT, content="coil").close()
    digest = held(archive, base, [resource]).get(ResourceFile(resource, FILE))
    # XNAT answers 200 to who may not edit, and writes nothing.
    if digest is None:
        return "nothing can be written to the project", "ask its owner to make you a member"
    with archive.stream(resource.file_address(base, FILE)) as chunks:
        back = b"".join(chunks)
    if back != TEXT or digest not in ("", files.md5_of([TEXT])):
        return "what is written reads back as other bytes", "ask the archive's administrator"
    return "", ""


def _remove(archive: Archive, base: str, resource: Resource) -> bool:
    """Remove the resource if it is there; whether it still is, as far as is known."""
    try:
        if _is_there(archive, base, resource):
            archive.delete(resource.address(base), removeFiles="true")
            return _is_there(archive, base, resource)
    except CoilError:
        return True
    return False


def _is_there(archive: Archive, base: str, resource: Resource) -> bool:
    rows = archive.rows(f"{base}/resources", absent_ok=True)
    return any(row.get("label") == resource.label for row in rows)
