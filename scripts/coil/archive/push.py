"""Put files into a resource of the archive, and prove that they arrived.

The resource is created if it is absent. Beside the files lies `receipt.json`, the MD5 of
each file that this workflow wrote there: a file is replaced only if the archive still
holds the very bytes of the receipt. Everything is read back and compared.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coil import files
from coil.archive.client import Archive, part
from coil.errors import ArchiveError, DataError

logger = logging.getLogger(__name__)

RECEIPT = "receipt.json"


def push_files(
    archive: Archive, base: str, label: str, sources: Mapping[str, Path]
) -> dict[str, Any]:
    """Push `sources` (name in the resource: file) into the resource `label` under `base`.

    Returns `{"resource": label, "files": {name: md5 that the archive reports}, "pushed":
    [...], "unchanged": [...]}`. Raises `DataError` where a file of somebody else's stands
    in the way, `ArchiveError` where what is read back differs.
    """
    resource = f"{base}/resources/{part(label)}"
    archive.put(resource, content="coil")  # 409: it exists, which is fine
    held = _digests(archive, resource)
    wanted = {name: files.md5(path) for name, path in sorted(sources.items())}
    pushed = [name for name in wanted if held.get(name) != wanted[name]]
    if pushed:
        ours = _read_receipt(archive, resource, held)
        for name in pushed:
            if name in held and held[name] not in ours.get(name, []):
                raise DataError(
                    f"the archive's resource {label} holds a {name} that this workflow did not "
                    "write; rename it there, or set push.resource to another label"
                )
        # Old and new digests first: a push cut off anywhere still knows its own files.
        both = {name: [*ours.get(name, []), wanted[name]] for name in wanted}
        _write_receipt(archive, resource, {**ours, **both})
        for name in pushed:
            _upload(archive, resource, name, sources[name].read_bytes(), overwrite=name in held)
        held = _digests(archive, resource)
        _write_receipt(archive, resource, {**ours, **{n: [wanted[n]] for n in wanted}})
    if wrong := [name for name in wanted if held.get(name) != wanted[name]]:
        raise ArchiveError(
            f"{wrong[0]} reads back from the archive with other bytes than were sent; try again"
        )
    logger.info("pushed %d files, %d were there already", len(pushed), len(wanted) - len(pushed))
    return {
        "resource": label,
        "files": {name: held[name] for name in wanted},
        "pushed": pushed,
        "unchanged": [name for name in wanted if name not in pushed],
    }


def withheld(session: Mapping[str, Any], verdict: Mapping[str, Any]) -> str | None:
    """Why a session's results are not pushed, if they are not: only what is valid goes back."""
    if session["state"] != "done":
        return "the session is not in the dataset"
    if verdict["errors"]:
        return f"the validator has {verdict['errors']} errors for the dataset"
    return None


def _read_receipt(archive: Archive, resource: str, held: Mapping[str, str]) -> dict[str, list[str]]:
    if RECEIPT not in held:
        return {}
    with archive.stream(f"{resource}/files/{RECEIPT}") as chunks:
        try:
            return json.loads(b"".join(chunks))["files"]
        except (ValueError, KeyError, TypeError):
            return {}


def _write_receipt(archive: Archive, resource: str, digests: Mapping[str, list[str]]) -> None:
    text = json.dumps({"written_by": "coil", "files": digests}, indent=1, sort_keys=True)
    _upload(archive, resource, RECEIPT, text.encode(), overwrite=True)


def _digests(archive: Archive, resource: str) -> dict[str, str]:
    """Name and MD5 of each file in the resource; read in full where the archive has none."""
    found: dict[str, str] = {}
    for row in archive.rows(f"{resource}/files"):
        name = row["URI"].partition("/files/")[2] or row["Name"]
        found[name] = (row.get("digest") or "").lower() or _read_md5(archive, resource, name)
    return found


def _read_md5(archive: Archive, resource: str, name: str) -> str:
    with archive.stream(f"{resource}/files/{part(name)}") as chunks:
        return files.md5_of(chunks)


def _upload(archive: Archive, resource: str, name: str, data: bytes, overwrite: bool) -> None:
    query = {"overwrite": "true"} if overwrite else {}
    answer = archive.put(f"{resource}/files/{part(name)}", data=data, **query)
    # XNAT leaves a file that exists as it is, and still answers 200.
    if answer.status_code == 409 or "duplicates" in answer.text[:200]:
        raise ArchiveError(f"{name} appeared in the archive while it was being pushed; try again")
