"""Faults on demand: what a real server does to its clients on a bad day, at the asked moment.

Rules come from a file (`serve --faults FILE`) or by PUT to /localxnat/faults, as a JSON list:

    [{"path": "/scans/ALL/files.*format=zip", "fault": {"truncate": 10000, "end": "close"}},
     {"path": "^/data/experiments", "times": 2, "fault": {"status": 503, "retry_after": 1}}]

The first rule that fits a request and has times left applies to it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Who, only_admin, signed_in
from localxnat.errors import Refused

End = Literal["close", "reset", "clean", "short"]


@dataclass(frozen=True)
class Kind:
    """One of the faults: which values it takes, and what happens then."""

    takes: Callable[[object], bool]
    values: str
    happens: str


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _at_least(limit: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and _number(value) and value >= limit


def _one_of(*names: object) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, bool) and value in names


def _true(value: object) -> bool:
    return value is True


KINDS = {
    "status": Kind(lambda value: _whole(value) and value in range(400, 600), "400 to 599",
                   "this status, and nothing is done"),
    "done": Kind(_true, "true", "with status: all is done, as when a proxy gives up waiting"),
    "retry_after": Kind(lambda value: _whole(value) or isinstance(value, str), "text or seconds",
                        "with status: the header Retry-After, as it is"),
    "retry_date": Kind(_number, "seconds",
                       "with status: the header Retry-After, a date so many seconds from now"),
    "delay": Kind(_at_least(0), "seconds", "the answer is so much later"),
    "trickle": Kind(lambda value: _at_least(0)(value) and value != 0, "bytes a second",
                    "the answer comes no faster"),
    "truncate": Kind(lambda value: _whole(value) and _at_least(0)(value), "bytes",
                     "only so much of the body comes"),
    "end": Kind(_one_of("close", "reset", "clean", "short"), "close, reset, clean or short",
                "with truncate: the connection is closed or reset, or the answer"
                " seems whole"),
    "login_page": Kind(_one_of(200, 302), "200 or 302", "the login page, or a redirect to it"),
    "full": Kind(_true, "true", "the answer to a login of a user who has too many"),
    "expire": Kind(_one_of("before", "during"), "before or during",
                   "the caller's login ends, before the answer or while it is sent"),
    "digest": Kind(_one_of("blank", "wrong"), "blank or wrong", "the digests of a file listing"),
    "stale": Kind(_true, "true", "a file listing has one file more than there is"),
    "twice": Kind(_true, "true",
                  "the request is done twice; the second answer is sent: what it makes exists"),
}  # fmt: skip
_WITH = {"done": "status", "retry_after": "status", "retry_date": "status", "end": "truncate"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The faults of one rule, by the names of `KINDS`; None is not asked for."""

    status: int | None = None
    done: bool | None = None
    retry_after: int | str | None = None
    retry_date: float | None = None
    delay: float | None = None
    trickle: float | None = None
    truncate: int | None = None
    end: End | None = None
    login_page: int | None = None
    full: bool | None = None
    expire: Literal["before", "during"] | None = None
    digest: Literal["blank", "wrong"] | None = None
    stale: bool | None = None
    twice: bool | None = None

    @classmethod
    def read(cls, entry: object) -> Self:
        """The fault of a JSON object; 400 with what is wrong for one that is none."""
        if not isinstance(entry, dict) or not entry:
            raise Refused(400, "A fault says what happens (fault).")
        known = {name: value for name, value in entry.items() if name in KINDS}
        _refuse_unknown(entry.keys() - known.keys())
        for name, value in known.items():
            if not KINDS[name].takes(value):
                raise Refused(400, f"The value of {name} is {KINDS[name].values}.")
        if any(_WITH.get(name, name) not in known for name in known):
            raise Refused(400, "A fault says how, but not what (status, truncate).")
        return cls(**known)

    def document(self) -> dict[str, object]:
        """The JSON object that it was read from."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise Refused(400, f"A fault has an unknown key: {', '.join(sorted(names))}.")


@dataclass
class Rule:
    """The requests that a fault is injected into: those that fit, after `skip`, `times` times.

    `path` is a pattern searched in the path with its query; `times` 0 is for ever.
    """

    path: re.Pattern[str]
    fault: Fault
    method: str = ""
    skip: int = 0
    times: int = 1
    struck: int = field(default=0, init=False)

    @classmethod
    def read(cls, entry: object) -> Self:
        """The rule of a JSON object; 400 with what is wrong for one that is none."""
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise Refused(400, "A fault has a path, a pattern for requests.")
        _refuse_unknown(entry.keys() - {"path", "fault", "method", "skip", "times"})
        fault, method = Fault.read(entry.get("fault")), entry.get("method", "")
        if not isinstance(method, str):
            raise Refused(400, "The value of method is no text.")
        try:
            path = re.compile(entry["path"])
        except re.error:
            raise Refused(400, "The path of a fault is no regular expression.") from None
        return cls(path, fault, method, _count(entry, "skip", 0), _count(entry, "times", 1))

    def fits(self, method: str, target: str) -> bool:
        """Whether the rule applies to this request; counts it."""
        if self.method and self.method != method:
            return False
        if not self.path.search(target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times and self.struck >= self.times:
            return False
        self.struck += 1
        return True

    def document(self) -> dict[str, object]:
        """The JSON object that lists it, with how often its fault was injected (`struck`)."""
        return vars(self) | {"path": self.path.pattern, "fault": self.fault.document()}


def _count(entry: dict[str, object], name: str, default: int) -> int:
    value = entry.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused(400, f"The value of {name} is no count.")
    return value


class Faults:
    """The rules of a server."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = rules or []
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: Path) -> "Faults":
        """The rules of a file. Raises Refused when they are none."""
        return cls(parse(path.read_bytes()))

    def find(self, method: str, target: str) -> Fault | None:
        """The fault that is to be injected into a request."""
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
    return [Rule.read(entry) for entry in entries]


def routes(faults: Faults) -> list[Route]:
    """GET, PUT and DELETE /localxnat/faults, for administrators."""

    async def handle(request: Request, who: Who) -> Response:
        only_admin(who)
        if request.method == "PUT":
            faults.rules = parse(await request.body())
        if request.method == "DELETE":
            faults.rules = []
        return JSONResponse([rule.document() for rule in faults.rules])

    return [Route("/localxnat/faults", signed_in(handle), methods=["GET", "PUT", "DELETE"])]
