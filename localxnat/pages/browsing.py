"""The pages to browse: projects, subjects, sessions, scans and their files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from localxnat.api import listings
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused
from localxnat.model import fields
from localxnat.pages.rendering import page
from localxnat.storage.members import Labelled, Members
from localxnat.storage.resource_rows import File, Resource
from localxnat.storage.resources import Resources
from localxnat.storage.store import Object

PER_PAGE = 100
MOST_FILES = 500
_DEMOGRAPHICS = ("gender", "age", "yob", "dob", "handedness", "education", "group")
_REPORTS = (".html", ".htm", ".pdf")
MOST_GUESTS = 500


def _shown(view: Callable[[Request, Who], Response]) -> Callable[[Request], Awaitable[Response]]:
    """A view for people who are signed in, its refusals as pages, too."""

    async def show(request: Request, who: Who) -> Response:
        try:
            return await run_in_threadpool(view, request, who)
        except Refused as refused:
            return page("error.html", who, refused.status, message=refused.message)

    return signed_in(show)


# Projects and subjects -----------------------------------------------------------------------


def projects(request: Request, who: Who) -> Response:
    """The projects that the user may read."""
    base = archive(request)
    rows = [
        {
            "item": project,
            "subjects": _members(base, project).count("subject"),
            "sessions": _members(base, project).count("experiment"),
        }
        for project in base.store.all("project")
        if base.auth.may(who.user, "read", project)
    ]
    return page("projects.html", who, projects=rows)


def _members(base: Archive, project: Object) -> Members:
    return Members(base.store.database, project.id)


def _project(request: Request, who: Who) -> Response:
    base = archive(request)
    item = _seen(base, who, base.store.project(request.path_params["project"]))
    text = request.query_params.get("find", "").strip()
    number = request.query_params.get("page", "1")
    members = _members(base, item)
    found = members.subjects(text.lower())
    pages = max(1, -(-len(found) // PER_PAGE))
    current = min(pages, max(1, int(number[:9]))) if number.isdecimal() else 1
    subjects = members.objects(found[(current - 1) * PER_PAGE : current * PER_PAGE])
    sessions: dict[int | None, list[Labelled]] = {}
    for session in members.objects(members.sessions([one.item.pk for one in subjects])):
        sessions.setdefault(session.item.parent, []).append(session)
    guests = members.guests(MOST_GUESTS) if current == 1 else []
    return page(
        "project.html",
        who,
        project=item,
        subjects=[
            {
                "item": subject,
                "label": label,
                "about": ", ".join(_demographics(subject).values()),
                "sessions": sessions.get(subject.pk, []),
            }
            for subject, label in subjects
        ],
        guests=members.objects(guests),
        total=len(found),
        everything=members.count("subject"),
        find=text,
        current=current,
        pages=pages,
        catalogs=_catalogs(base.resources, item, f"/data/projects/{item.id}"),
    )


def _subject(request: Request, who: Who) -> Response:
    base = archive(request)
    item = _seen(base, who, base.store.subject(request.path_params["subject"]))
    return page(
        "subject.html",
        who,
        subject=item,
        facts={name.capitalize(): value for name, value in _demographics(item).items()},
        sessions=base.store.children(item, "experiment"),
        catalogs=_catalogs(base.resources, item, listings.uri(item, None)),
    )


def _demographics(subject: Object) -> dict[str, str]:
    return {
        name: value
        for name in _DEMOGRAPHICS
        if (value := fields.look_up(subject.fields, f"demographics/{name}"))
        or (value := fields.look_up(subject.fields, name))
    }


# Sessions and scans --------------------------------------------------------------------------


def _experiment(request: Request, who: Who) -> Response:
    base = archive(request)
    item = _seen(base, who, base.store.experiment(request.path_params["experiment"]))
    item = base.store.session_of(item)
    subject = base.store.by_pk(item.parent) if item.parent is not None else None
    address = listings.uri(item, subject)
    scans = [
        {
            "item": scan,
            "resources": base.resources.of(scan),
            "address": f"/app/experiments/{item.id}/scans/{scan.id}",
        }
        for scan in base.store.children(item, "scan")
    ]
    assessors = [
        {
            "item": assessor,
            "catalogs": _catalogs(base.resources, assessor, f"{address}/assessors/{assessor.id}"),
        }
        for assessor in base.store.children(item, "assessor")
    ]
    facts = {
        "Type": item.xsi_type.removeprefix("xnat:").removesuffix("Data"),
        "Date": item.fields.get("date", ""),
        "Scanner": " ".join(
            item.fields.get(f"scanner/{name}", "") for name in ("manufacturer", "model")
        ).strip(),
        "Note": item.fields.get("note", ""),
        "Changed": item.last_modified.partition(".")[0],
    }
    catalogs = _catalogs(base.resources, item, address)
    below = [entry for assessor in assessors for entry in assessor["catalogs"]]
    return page(
        "experiment.html",
        who,
        session=item,
        subject=subject,
        address=address,
        facts={name: value for name, value in facts.items() if value},
        scans=scans,
        assessors=assessors,
        catalogs=catalogs,
        reports=[
            (entry, file)
            for entry in [*catalogs, *below]
            for file in entry.files
            if file.path.lower().endswith(_REPORTS)
        ],
    )


def _scan(request: Request, who: Who) -> Response:
    base = archive(request)
    session = _seen(base, who, base.store.experiment(request.path_params["experiment"]))
    item = base.store.part(session, "scan", request.path_params["scan"])
    if item is None:
        raise Refused(404, NOT_FOUND)
    catalogs = _catalogs(base.resources, item, listings.uri(item, session))
    return page("scan.html", who, session=session, scan=item, catalogs=catalogs)


@dataclass(frozen=True)
class Catalog:
    """A resource as a page shows it: its first files, and the address of what it belongs to."""

    resource: Resource
    files: list[File]
    address: str


def _catalogs(resources: Resources, item: Object, address: str) -> list[Catalog]:
    return [
        Catalog(resource, resources.files(resource, MOST_FILES), address)
        for resource in resources.of(item)
    ]


def _seen(base: Archive, who: Who, item: Object | None) -> Object:
    """The object, if the user may see it; what one may not see is as good as absent."""
    if item is not None:
        names = [item.project, *(name for name, _ in base.store.shares(item))]
        found = [base.store.project(name) for name in names]
        if any(one and base.auth.may(who.user, "read", one) for one in found):
            return item
    raise Refused(404, NOT_FOUND)


def routes() -> list[Route]:
    return [
        Route("/app/projects/{project}", _shown(_project)),
        Route("/app/subjects/{subject}", _shown(_subject)),
        Route("/app/experiments/{experiment}", _shown(_experiment)),
        Route("/app/experiments/{experiment}/scans/{scan}", _shown(_scan)),
    ]
