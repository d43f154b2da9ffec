"""The bidsmaps of a project: what a lab keeps in XNAT for XNAT's own BIDS containers.

The project's is the text `bids/bidsmap` of its configuration, or else the file bidsmap.json in
its resource `config` or `BIDS_bidsmap`; the site's is the text of the same name.
"""

import json
from collections.abc import Mapping

from coil.archive.client import Archive, part
from coil.errors import ConfigError, RefusedError
from coil.records.bidsmaps import KeptBidsmap

_CONFIG = "config/bids/bidsmap"


def fetch_bidsmaps(archive: Archive, project: str) -> list[KeptBidsmap]:
    """The project's map and the site's, the project's first.

    At most four small requests.

    Raises
    ------
    ConfigError
        If there is neither, or one is no JSON.
    """
    home = f"/data/projects/{part(project)}"
    of_project = {
        "the bidsmap in the project's configuration": f"{home}/{_CONFIG}",
        "bidsmap.json in the project's resource config": _file(home, "config"),
        "bidsmap.json in the project's resource BIDS_bidsmap": _file(home, "BIDS_bidsmap"),
    }
    of_site = {"the bidsmap in the site's configuration": f"/data/{_CONFIG}"}
    maps = [one for sources in (of_project, of_site) if (one := _first(archive, sources))]
    if not maps:
        raise ConfigError(
            "bids.mapping: use: bidsmap: the archive has none; put bidsmap.json into the project's "
            "resource config, or remove this source from the mapping"
        )
    return maps


def _file(home: str, resource: str) -> str:
    return f"{home}/resources/{resource}/files/bidsmap.json"


def _first(archive: Archive, sources: Mapping[str, str]) -> KeptBidsmap | None:
    """The first map that is there, of paths by what they are in words."""
    for source, path in sources.items():
        if text := _text(archive, path):
            try:
                return KeptBidsmap(source=source, content=json.loads(text))
            except ValueError as error:
                line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
                raise ConfigError(
                    f"{source}{line}: is no JSON; correct it in the archive"
                ) from None
    return None


def _text(archive: Archive, path: str) -> bytes:
    """The file or text at a path; nothing where there is none, or none for this login."""
    configured = path.endswith(_CONFIG)
    answer = archive.stream(path, contents="true") if configured else archive.stream(path)
    try:
        with answer as chunks:
            return b"".join(chunks).removeprefix(b"\xef\xbb\xbf").strip()
    except RefusedError:
        return b""
