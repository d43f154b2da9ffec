"""Who is asking: what every handler does before it answers."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from localxnat.api import query
from localxnat.api.responses import refusal
from localxnat.errors import Refused
from localxnat.storage.auth import Auth, Login, User
from localxnat.storage.messages import Statuses
from localxnat.storage.prearchive import Prearchive
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store

_BROWSERS = ("Mozilla", "Opera")


@dataclass
class Archive:
    """All that the handlers share."""

    store: Store
    resources: Resources
    auth: Auth
    prearchive: Prearchive
    statuses: Statuses = field(default_factory=Statuses)


@dataclass
class Who:
    """The user of a request, if it has one, and the login it goes with."""

    user: User
    login: Login


def archive(request: Request) -> Archive:
    return request.app.state.archive


def only_admin(who: Who, message: str = "Only an administrator may do this.") -> None:
    """403 for anybody else."""
    if not who.user.admin:
        raise Refused(403, message)


async def log_in_by_form(request: Request) -> Who | None:
    """A new login by a form with username and password; None if they are wrong.

    As in XNAT (`UserAuth`), the body is read as a form whatever its type says, or if it says none.
    """
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        form = {name: str(value) for name, value in (await request.form()).items()}
    else:
        form = dict(query.parse((await request.body()).decode("utf-8", "replace")))
    auth = archive(request).auth
    name, password = form.get("username", ""), form.get("password", "")
    user = await run_in_threadpool(auth.check, name, password)
    return Who(user, auth.open(user)) if user else None


def identify(request: Request) -> Who | None:
    """Who is asking, by cookie or by Basic auth. The latter opens a login, as in XNAT."""
    auth = archive(request).auth
    cookie = request.cookies.get("JSESSIONID")
    resumed = auth.resume(cookie) if cookie else None
    header = request.headers.get("authorization", "")
    if header[:6].lower() == "basic ":
        user = auth.check_basic(header)
        if user is None:
            raise Refused(401, "Login attempt failed. Please try again.")
        if resumed and resumed[0].login == user.login:
            return Who(*resumed)
        return Who(user, auth.open(user))
    return Who(*resumed) if resumed else None


def with_cookies(response: Response, who: Who | None, auth: Auth) -> Response:
    """The response with the login's cookies; XNAT's expiration cookie has its quotes."""
    if who is None or not who.login.id:
        return response
    millis, idle = int(time.time() * 1000), int(auth.idle_seconds * 1000)
    response.headers.append(
        "Set-Cookie", f"JSESSIONID={who.login.id}; Path=/; HttpOnly; SameSite=Lax"
    )
    response.headers.append(
        "Set-Cookie", f'SESSION_EXPIRATION_TIME="{millis},{idle}"; Path=/; SameSite=Lax'
    )
    return response


def guest(request: Request) -> Who | None:
    """The guest, where the site lets anyone see what is public; it changes nothing."""
    if request.method not in ("GET", "HEAD") and request.url.path != "/data/search":
        return None
    if archive(request).store.settings.get("requireLogin"):
        return None
    return Who(User("guest", False), Login("", "guest", 0))


def turn_away(request: Request) -> Response:
    """The answer to an anonymous request to the data: 401, or the login page for a browser."""
    agent = request.headers.get("user-agent", "")
    if agent.startswith(_BROWSERS) and request.method in ("GET", "HEAD"):
        return RedirectResponse("/app/template/Login.vm", 302)
    return refusal(401, "The request requires user authentication.")


Handler = Callable[[Request, Who], Awaitable[Response]]


def signed_in(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler that only signed-in users reach, whose refusals become XNAT's answers."""

    async def run(request: Request) -> Response:
        auth = archive(request).auth
        who = None
        try:
            who = await run_in_threadpool(identify, request)
            if who is None:
                who = await run_in_threadpool(guest, request)
            if who is None:
                return turn_away(request)
            response = await handler(request, who)
        except Refused as refused:
            response = refusal(refused.status, refused.message)
        except ClientDisconnect:
            response = refusal(400, "The client has gone.")  # for the log: nobody gets it
        return with_cookies(response, who, auth)

    return run
