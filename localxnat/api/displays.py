"""Types as people read of them: /xapi/access/displays, and the names in /data/search/elements."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.errors import Refused
from localxnat.model import xsi
from localxnat.storage import summaries
from localxnat.storage.auth import User

_DISPLAYS = [
    "browseable",
    "browseableCreateable",
    "createable",
    "searchable",
    "searchableByDesc",
    "searchableByPluralDesc",
]
_SINGULAR = {
    "xnat:petmrSessionData": "PET MR Session",
    "xnat:otherDicomSessionData": "Other Session",
    "xnat:otherDicomScanData": "Other Scan",
    "xnat:rtImageScanData": "RT Scan",
    "xnat:voiceAudioScanData": "Voice Audio Scan",
    "xnat:qcManualAssessorData": "Manual QC",
    "xnat:qcAssessmentData": "Auto QC",
    "xnat:investigatorData": "Investigator",
}
_MADE = re.compile(r"xnat:([a-z]+)(Session|Scan)Data")
_KINDS = ("project", "subject", "experiment", "assessor")


def singular(xsi_type: str) -> str:
    """The name that people have for an object of a type: xnat:mrSessionData is an MR Session."""
    made = _MADE.fullmatch(xsi_type)
    usual = f"{made[1].upper()} {made[2]}" if made else xsi.ELEMENTS.get(xsi_type, xsi_type)
    return _SINGULAR.get(xsi_type, usual)


def plural(xsi_type: str) -> str:
    return f"{singular(xsi_type)}s"


async def names(request: Request, who: Who) -> Response:
    return JSONResponse(_DISPLAYS)


async def display(request: Request, who: Who) -> Response:
    """GET /xapi/access/displays/{display}: the types that the user may make, or find."""
    asked = request.path_params["display"].replace("eatable", "eateable")
    if asked not in _DISPLAYS:
        raise Refused(400, "The requested element display is not recognized.")
    found = await run_in_threadpool(_types, archive(request), who.user, asked)
    return JSONResponse(
        [{"elementName": one, "singular": singular(one), "plural": plural(one)} for one in found]
    )


def _types(base: Archive, user: User, asked: str) -> list[str]:
    found = [name for name in xsi.ELEMENTS if any(xsi.fits(name, kind) for kind in _KINDS)]
    if "reateable" in asked and not _may_make(base, user):
        return []
    if asked.startswith("browseable"):
        there = summaries.types(base.store.database)
        return [name for name in found if name in there]
    return found


def _may_make(base: Archive, user: User) -> bool:
    """Whether there is a project in which a user may make something."""
    return any(base.auth.may(user, "edit", project) for project in base.store.all("project"))


def routes() -> list[Route]:
    base = "/xapi/access/displays"
    return [
        Route(base, signed_in(names)),
        Route(f"{base}/{{display}}", signed_in(display)),
    ]
