"""Name sessions by the config's `identity`: pseudonyms, the lab's table, the archive's labels."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from coil.archive.listing import Session
from coil.deid.identity.identities import (
    Kind,
    Link,
    LinkTable,
    bids_label,
    project_secret,
    pseudonym,
)
from coil.deid.identity.own_labels import read_own_labels
from coil.errors import ConfigError
from coil.workspace import Private

Namer = Callable[[str, str], str | None]
"""The BIDS label by the archive's ID and label; None where there is none."""


def name_sessions(
    sessions: Iterable[Session], settings: Mapping[str, Any], private: Private
) -> tuple[LinkTable, dict[str, Link]]:
    """The link table with the sessions that have a name, and their links by ID.

    A session that the lab's table does not know, or whose label is not BIDS's, has none.

    Raises
    ------
    ConfigError
        If the secret or the lab's table cannot be used.
    DataError
        If two people or two sessions would share a name, or one would get a second.
    """
    identity, project = settings["identity"], settings["project"]
    table = LinkTable.read(private.link)
    secret = project_secret(identity.get("secret_file"), private.root, create=not table.rows)

    def namer(kind: Kind) -> Namer:
        return lab_namer(identity, kind) or (
            lambda archive_id, _: pseudonym(secret, project, kind, archive_id)
        )

    subject_of, session_of = namer("subject"), namer("session")
    links = {}
    for session in sessions:
        subject = subject_of(session.subject_id, session.subject_label)
        label = session_of(session.id, session.label)
        if subject and label:
            links[session.id] = Link(
                subject_id=session.subject_id,
                session_id=session.id,
                subject_label=session.subject_label,
                session_label=session.label,
                subject=subject,
                session=label,
            )
    table.add(*links.values())
    return table, links


def lab_namer(identity: Mapping[str, Any], kind: Kind) -> Namer | None:
    """The labels that a lab chose, in its table or in the archive; None for pseudonyms.

    Raises `ConfigError` if the lab's table cannot be used.
    """
    source = identity[f"{kind}s"]
    if source == "label":
        return lambda _, label: bids_label(label)
    if source != "table":
        return None
    if "table" not in identity:
        raise ConfigError("identity.table: missing; name the lab's table of labels there")
    own = read_own_labels(Path(identity["table"]).expanduser())
    return own.subject if kind == "subject" else own.session
