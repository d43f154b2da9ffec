"""Faults on demand: what a real server does to its clients on a bad day, at the asked moment.

Rules come from a file (`serve --faults FILE`) or by PUT to /localxnat/faults, as a JSON list:

    [{"path": "/scans/ALL/files.*format=zip", "fault": {"truncate": 10000, "end": "close"}},
     {"path": "^/data/experiments", "times": 2, "fault": {"status": 503, "retry_after": 1}}]

The first rule that fits a request and has times left applies to it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Who, signed_in
from localxnat.errors import Refused

_KEYS = {"method", "path", "skip", "times", "fault"}
_FAULTS: dict[str, Callable[[Any], bool]] = {
    "status": lambda value: isinstance(value, int) and 400 <= value <= 599,
    "retry_after": lambda value: isinstance(value, int | str),
    "retry_date": lambda value: isinstance(value, int | float),
    "done": lambda value: value is True,
    "delay": lambda value: isinstance(value, int | float) and value >= 0,
    "truncate": lambda value: isinstance(value, int) and value >= 0,
    "end": lambda value: value in ("close", "clean", "short", "reset"),
    "trickle": lambda value: isinstance(value, int | float) and value > 0,
    "full": lambda value: value is True,
    "stale": lambda value: value is True,
    "login_page": lambda value: value in (200, 302),
    "expire": lambda value: value in ("before", "during"),
    "digest": lambda value: value in ("blank", "wrong"),
    "twice": lambda value: value is True,
}


@dataclass
class Rule:
    """Which requests a fault strikes: those that fit, after `skip` of them, `times` times.

    `path` is a pattern searched in the path with its query; `times` 0 is for ever. Faults:

    - `status`: this status, and nothing is done, or all of it with `done`; `retry_after` is the
      header as it is, `retry_date` makes it the date so many seconds from now;
    - `delay`: so many seconds later;
    - `trickle`: only so many bytes a second;
    - `truncate`: only so many bytes of the body; `end` says how: the connection is closed
      (`close`) or reset (`reset`), or the answer seems whole, chunked (`clean`) or by its
      length (`short`);
    - `login_page`: the page with 200, or a redirect to it;
    - `full`: the answer to a login when the user has too many;
    - `expire`: the caller's login ends, before the answer or while it is sent;
    - `digest`: those of a file listing are blank or wrong;
    - `stale`: a file listing has one file more than there is;
    - `twice`: the request is done before it is done, so that what it makes exists already.
    """

    path: str
    fault: dict[str, Any]
    method: str = ""
    skip: int = 0
    times: int = 1
    struck: int = field(default=0, init=False)

    def fits(self, method: str, target: str) -> bool:
        """Whether the rule applies to this request; counts it."""
        if self.method and self.method != method:
            return False
        if not re.search(self.path, target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times and self.struck >= self.times:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules of a server."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = rules or []
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: Path) -> "Faults":
        """The rules of a file. Raises Refused when they are none."""
        return cls(parse(path.read_bytes()))

    def find(self, method: str, target: str) -> dict[str, Any] | None:
        with self._lock:
            return next((rule.fault for rule in self.rules if rule.fits(method, target)), None)


def parse(text: bytes) -> list[Rule]:
    """Rules from JSON; 400 with what is wrong for anything that is not."""
    try:
        entries = jsons.read(text)
    except Refused:
        raise Refused(400, "The faults are no JSON.") from None
    if not isinstance(entries, list):
        raise Refused(400, "The faults are no list.")
    return [_rule(entry) for entry in entries]


def _rule(entry: Any) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise Refused(400, "A fault has a path, a pattern for requests.")
    fault = entry.get("fault")
    if not isinstance(fault, dict) or not fault:
        raise Refused(400, "A fault says what happens (fault).")
    unknown = (set(entry) - _KEYS) | (set(fault) - set(_FAULTS))
    if {"end", "retry_after", "retry_date", "done"} & set(fault) and not {
        "truncate",
        "status",
    } & set(fault):
        raise Refused(400, "A fault says how, but not what (status, truncate).")
    wrong = [name for name, check in _FAULTS.items() if name in fault and not check(fault[name])]
    if unknown or wrong:
        raise Refused(400, f"A fault has an unknown key or value: {sorted(unknown) + wrong}.")
    try:
        re.compile(entry["path"])
    except re.error:
        raise Refused(400, "The path of a fault is no regular expression.") from None
    return Rule(**entry)


def routes(faults: Faults) -> list[Route]:
    """GET, PUT and DELETE /localxnat/faults, for administrators."""

    async def handle(request: Request, who: Who) -> Response:
        if not who.user.admin:
            raise Refused(403, "Only an administrator may do this.")
        if request.method == "PUT":
            faults.rules = parse(await request.body())
        if request.method == "DELETE":
            faults.rules = []
        return JSONResponse([vars(rule) for rule in faults.rules])

    return [Route("/localxnat/faults", signed_in(handle), methods=["GET", "PUT", "DELETE"])]
