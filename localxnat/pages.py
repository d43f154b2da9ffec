"""The pages for people: sign in, browse projects, subjects, sessions, scans and files."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from localxnat import fields, listings
from localxnat.access import Who, archive, identify, signed_in, with_cookies
from localxnat.auth import User
from localxnat.errors import Refused
from localxnat.resources import Resources
from localxnat.responses import refusal
from localxnat.store import Object
from localxnat.targets import NOT_FOUND

_FOLDER = Path(__file__).parent / "templates"
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
)
_templates.filters["quoted"] = lambda text: quote(text, safe="/")
# The pages need no script, no frame and nothing from elsewhere.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_DEMOGRAPHICS = ("gender", "age", "yob", "dob", "handedness", "education")


def _size(number: int) -> str:
    amount = float(number)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


_templates.filters["size"] = _size


def _page(name: str, who: Who | None, status: int = 200, **values: Any) -> Response:
    login = who.user.login if who else None
    body = _templates.get_template(name).render(login=login, **values)
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(body, status, headers, media_type="text/html")


# Signing in and out --------------------------------------------------------------------------


async def home(request: Request) -> Response:
    """The projects, or for a guest the form to sign in. Clients tell from it who they are."""
    base = archive(request)
    try:
        who = await run_in_threadpool(identify, request)
    except Refused as refused:
        return refusal(refused.status, refused.message)
    if who is None:
        return _page("login.html", None, message="")
    response = await run_in_threadpool(_projects, request, who)
    return with_cookies(response, who, base.auth)


async def login_page(request: Request) -> Response:
    return _page("login.html", None, message="")


async def log_in(request: Request) -> Response:
    form = await request.form()
    auth = archive(request).auth
    name, password = str(form.get("username", "")), str(form.get("password", ""))
    user = await run_in_threadpool(auth.check, name, password)
    if user is None:
        return _page("login.html", None, 401, message="The name or the password is wrong.")
    try:
        login = auth.open(user)
    except Refused as refused:
        return _page("login.html", None, refused.status, message=refused.message)
    return with_cookies(RedirectResponse("/", 303), Who(user, login), auth)


async def log_out(request: Request) -> Response:
    archive(request).auth.close(request.cookies.get("JSESSIONID", ""))
    response = RedirectResponse("/", 303)
    response.delete_cookie("JSESSIONID")
    return response


# Browsing ------------------------------------------------------------------------------------


def _projects(request: Request, who: Who) -> Response:
    base = archive(request)
    projects = [
        {
            "item": project,
            "subjects": len(base.store.in_project(project.id, "subject")),
            "sessions": len(base.store.in_project(project.id, "experiment")),
        }
        for project in base.store.all("project")
        if base.auth.may(who.user, "read", project)
    ]
    return _page("projects.html", who, projects=projects)


async def project(request: Request, who: Who) -> Response:
    return await run_in_threadpool(_project, request, who)


def _project(request: Request, who: Who) -> Response:
    base = archive(request)
    item = base.store.project(request.path_params["project"])
    _may_see(request, who.user, item)
    assert item is not None
    experiments: dict[int | None, list[Object]] = {}
    for experiment in base.store.in_project(item.id, "experiment"):
        experiments.setdefault(experiment.parent, []).append(experiment)
    subjects = [
        {
            "item": subject,
            "facts": {
                name: value
                for name in _DEMOGRAPHICS
                if (value := fields.look_up(subject.fields, f"demographics/{name}"))
            },
            "experiments": experiments.get(subject.pk, []),
        }
        for subject in base.store.in_project(item.id, "subject")
    ]
    catalogs = _catalogs(base.resources, item, f"/data/projects/{item.id}")
    return _page("project.html", who, project=item, subjects=subjects, catalogs=catalogs)


async def experiment(request: Request, who: Who) -> Response:
    return await run_in_threadpool(_experiment, request, who)


def _experiment(request: Request, who: Who) -> Response:
    base = archive(request)
    item = base.store.experiment(request.path_params["experiment"])
    _may_see(request, who.user, item)
    assert item is not None
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
        "Subject": subject.label if subject else "",
        "Type": item.xsi_type.removeprefix("xnat:").removesuffix("Data"),
        "Date": item.fields.get("date", ""),
        "Scanner": " ".join(
            item.fields.get(f"scanner/{name}", "") for name in ("manufacturer", "model")
        ).strip(),
        "Note": item.fields.get("note", ""),
        "Changed": item.last_modified,
    }
    return _page(
        "experiment.html",
        who,
        session=item,
        address=address,
        facts={name: value for name, value in facts.items() if value},
        scans=scans,
        assessors=assessors,
        catalogs=_catalogs(base.resources, item, address),
    )


async def scan(request: Request, who: Who) -> Response:
    return await run_in_threadpool(_scan, request, who)


def _scan(request: Request, who: Who) -> Response:
    base = archive(request)
    session = base.store.experiment(request.path_params["experiment"])
    _may_see(request, who.user, session)
    assert session is not None
    item = base.store.part(session, "scan", request.path_params["scan"])
    if item is None:
        raise Refused(404, NOT_FOUND)
    address = listings.uri(item, session)
    catalogs = _catalogs(base.resources, item, address)
    return _page("scan.html", who, session=session, scan=item, address=address, catalogs=catalogs)


def _catalogs(resources: Resources, item: Object, address: str) -> list[dict[str, Any]]:
    return [
        {"resource": resource, "files": resources.files(resource), "address": address}
        for resource in resources.of(item)
    ]


def _may_see(request: Request, user: User, item: Object | None) -> None:
    base = archive(request)
    names = [] if item is None else [item.project, *(name for name, _ in base.store.shares(item))]
    projects = [base.store.project(name) for name in names]
    if not any(one and base.auth.may(user, "read", one) for one in projects):
        raise Refused(404, NOT_FOUND)


async def style(request: Request) -> Response:
    return Response((_FOLDER / "style.css").read_text(), media_type="text/css")


def routes() -> list[Route]:
    return [
        Route("/", home),
        Route("/app/template/Login.vm", login_page),
        *(Route(path, log_in, methods=["POST"]) for path in ("/app/login", "/login")),
        Route("/app/logout", log_out, methods=["POST"]),
        Route("/app/style.css", style),
        Route("/app/projects/{project}", signed_in(project)),
        Route("/app/experiments/{experiment}", signed_in(experiment)),
        Route("/app/experiments/{experiment}/scans/{scan}", signed_in(scan)),
    ]
