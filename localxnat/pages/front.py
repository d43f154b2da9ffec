"""The pages for people: the front page, signing in and out; `browsing` has the rest."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from localxnat.api.access import archive, identify, log_in_by_form, with_cookies
from localxnat.api.responses import refusal
from localxnat.errors import Refused
from localxnat.pages import browsing
from localxnat.pages.rendering import TEMPLATES, page


async def home(request: Request) -> Response:
    """The projects, or for a guest the form to sign in. Clients tell from it who they are."""
    base = archive(request)
    try:
        who = await run_in_threadpool(identify, request)
    except Refused as refused:
        return refusal(refused.status, refused.message)
    if who is None:
        return page("login.html", None, message="")
    response = await run_in_threadpool(browsing.projects, request, who)
    return with_cookies(response, who, base.auth)


async def login_page(request: Request) -> Response:
    return page("login.html", None, message="")


async def log_in(request: Request) -> Response:
    try:
        who = await log_in_by_form(request)
    except Refused as refused:
        return page("login.html", None, refused.status, message=refused.message)
    if who is None:
        return page("login.html", None, 401, message="The name or the password is wrong.")
    return with_cookies(RedirectResponse("/", 303), who, archive(request).auth)


async def log_out(request: Request) -> Response:
    archive(request).auth.close(request.cookies.get("JSESSIONID", ""))
    response = RedirectResponse("/", 303)
    response.delete_cookie("JSESSIONID")
    return response


async def style(request: Request) -> Response:
    return Response((TEMPLATES / "style.css").read_text(), media_type="text/css")


def routes() -> list[Route]:
    return [
        Route("/", home),
        Route("/app/template/Login.vm", login_page),
        *(Route(path, log_in, methods=["POST"]) for path in ("/app/login", "/login")),
        Route("/app/logout", log_out, methods=["POST"]),
        Route("/app/style.css", style),
        *browsing.routes(),
    ]
