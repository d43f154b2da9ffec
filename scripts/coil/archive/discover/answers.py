"""All that the archive is asked for of a project, over one connection."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coil.archive import listing
from coil.archive.client import Archive
from coil.archive.columns import Lister
from coil.archive.discover import demographics, prearchive, selection, variables
from coil.archive.discover.bidsmap import fetch_bidsmaps
from coil.archive.discover.changes import Compared, Notes, Scope
from coil.archive.discover.demographics import Subject, Wanted
from coil.archive.discover.naming import name_sessions
from coil.archive.discover.questionnaires import list_questionnaires
from coil.archive.discover.variables import Instruments
from coil.archive.listing import Session
from coil.bids.mapping.sources import bidsmap
from coil.config.derived import wanted_resources
from coil.deid.identity.dates import shift_days
from coil.deid.identity.identities import Link, LinkTable, project_secret
from coil.errors import ArchiveError, ConfigError
from coil.records.bidsmaps import KeptBidsmap
from coil.records.phenotype import QuestionnaireFile
from coil.units import unit_name
from coil.workspace import Private

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Answers:
    """The archive's answers on a project.

    everything       all its sessions
    unnamed          how many of those that are selected `identity` has no label for
    table, links     the link table, and the links of those that are taken, by session ID
    compared         these against what the last invocation left
    entries          of the prearchive
    wanted           the fields of people that the config's tables take
    subjects         all, where the tables need them
    questionnaires   the files that there are
    bidsmaps         if the mapping uses them
    assessors        by instrument
    """

    everything: Sequence[Session]
    unnamed: int
    table: LinkTable
    links: Mapping[str, Link]
    compared: Sequence[Compared]
    entries: Sequence[prearchive.Entry]
    wanted: Wanted
    subjects: Sequence[Subject]
    questionnaires: Sequence[QuestionnaireFile]
    bidsmaps: Sequence[KeptBidsmap]
    assessors: Instruments


def ask(
    lister: Lister, settings: Settings, private: Private, notes: Notes, thorough: bool
) -> Answers:
    """The archive's answers on a project.

    Raises `ConfigError` or `ArchiveError` where no more is to be believed or done.
    """
    archive, project, phenotype = lister.archive, settings["project"], settings["phenotype"]
    select = settings["select"]
    everything = listing.list_sessions(
        archive, project, select["shared"], lister, selection.needs(select)
    )
    selected = selection.select(everything, select)
    table, links = name_sessions(selected, settings, private)
    sessions = [session for session in selected if session.id in links]
    _check(everything, selected, sessions, table, notes.times, select["may_vanish"])
    scope = Scope(wanted_resources(dict(settings)), thorough)
    compared = _compare(archive, notes, sessions, links, select, scope)
    entries = _arriving(lister, project, compared)
    wanted = _wanted(lister, settings, private, sessions)
    answers = Answers(
        everything=everything,
        unnamed=len(selected) - len(sessions),
        table=table,
        links=links,
        compared=compared,
        entries=entries,
        wanted=wanted,
        subjects=_subjects(lister, settings, everything, sessions, wanted),
        questionnaires=list_questionnaires(archive, project, phenotype),
        bidsmaps=_bidsmaps(archive, project, settings["bids"]["mapping"]),
        assessors=variables.list_assessors(lister, project, phenotype, everything),
    )
    lister.notes += listing.uncounted(sessions)
    return answers


def _arriving(
    lister: Lister, project: str, compared: Sequence[Compared]
) -> Sequence[prearchive.Entry]:
    """The project's prearchive, which is asked for only where something could be on its way."""
    if compared and not any(one.changed for one in compared):
        return []
    return prearchive.list_prearchive(lister, project)


def _subjects(
    lister: Lister,
    settings: Settings,
    everything: Sequence[Session],
    sessions: Sequence[Session],
    wanted: Wanted,
) -> list[Subject]:
    return demographics.list_people(
        lister,
        settings["project"],
        everything,
        every_label=bool(settings["phenotype"]),
        fields=wanted.fields,
        taken=sessions,
    )


def _compare(
    archive: Archive,
    notes: Notes,
    sessions: Iterable[Session],
    links: Mapping[str, Link],
    select: selection.Select,
    scope: Scope,
) -> list[Compared]:
    """Each session, with the scans that are taken, against what the last invocation left."""
    taken = selection.scan_filter(select)
    return [
        notes.compare(
            archive, session, unit_of(links[session.id]), [*filter(taken, session.scans)], scope
        )
        for session in sessions
    ]


def _wanted(
    lister: Lister, settings: Settings, private: Private, sessions: list[Session]
) -> Wanted:
    """The fields of people that the config's tables take, and how each subject's dates move."""
    project, identity = settings["project"], settings["identity"]
    secret = project_secret(identity.get("secret_file"), private.root)

    def days(subject_id: str) -> int | None:
        return None if identity["dates"] == "none" else shift_days(secret, project, subject_id)

    return Wanted(
        fields=variables.fields_of(settings, "subject"),
        of_sessions=variables.list_session_fields(
            lister, project, sessions, variables.fields_of(settings, "session")
        ),
        days=days,
    )


def _bidsmaps(archive: Archive, project: str, mapping: Iterable[Settings]) -> list[KeptBidsmap]:
    """The archive's bidsmaps, checked, if the mapping uses them; `ConfigError` for a broken one."""
    if not any(rule.get("use") == "bidsmap" for rule in mapping):
        return []
    maps = fetch_bidsmaps(archive, project)
    bidsmap.parse(maps)
    return maps


def _check(
    everything: Sequence[Session],
    selected: Sequence[Session],
    sessions: Sequence[Session],
    table: LinkTable,
    units: Collection[str],
    may_vanish: float,
) -> None:
    """Raise where none has a name, or so many vanished that it is better not believed at once."""
    if selected and not sessions:
        raise ConfigError(
            "identity: none of the sessions has a BIDS label by it; correct the table or the "
            "archive's labels, or use hmac"
        )
    _check_vanished(everything, sessions, table, units, may_vanish)


def _check_vanished(
    everything: Sequence[Session],
    sessions: Sequence[Session],
    table: LinkTable,
    units: Collection[str],
    may_vanish: float,
) -> None:
    """Whether as much is missing as if the login had lost a right, or `select` were wrong.

    What vanished is taken out of the dataset, so that it is better not believed at once.
    """
    listed = {session.id for session in everything}
    there = {unit_of(link) for link in table.rows if link.session_id in listed}
    vanished = len([unit for unit in units if unit not in there])
    if vanished > may_vanish * len(units):
        raise ArchiveError(
            f"the archive no longer lists {vanished} of the {len(units)} sessions that were there; "
            "check the login's rights and the server, or, if they were removed there, set "
            "select.may_vanish to 1 for one run"
        )
    if everything and units and not sessions:
        raise ConfigError(
            "select: it takes none of the archive's sessions, where it took some before; correct "
            "it, or remove results/ and private/ of this project to start anew"
        )


def unit_of(link: Link) -> str:
    """The name of a linked session."""
    return unit_name(link.subject, link.session)
