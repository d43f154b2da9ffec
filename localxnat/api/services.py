"""/data/services/import and /data/services/refresh/catalog."""

from itertools import pairwise
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import address, query, targets, uploads
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.prearchive_api import archived_uri
from localxnat.api.query import Query
from localxnat.errors import Refused
from localxnat.model.fields import SETTINGS
from localxnat.storage import archives, catalogs
from localxnat.storage.names import check_label

_OVERWRITES = ("none", "append", "delete")
# What comes by these is a part of a session: it goes to the prearchive, and more may follow.
_GRADUAL = ("gradual-dicom", "dicom-zip")


# Import --------------------------------------------------------------------------------------


async def import_(request: Request, who: Who) -> Response:
    """POST an archive of DICOM files, or one file, raw or as a form; answers with the URI."""
    base, asked = archive(request), query.parse(request.url.query)
    place = await run_in_threadpool(_place, base, who, asked)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise Refused(400, "The form has no file.")
            new = await uploads.receive_upload(files[0], base.resources.incoming())
    else:
        new = await uploads.receive_body(request, base.resources.incoming())
    uploaded = new.finish("upload").temporary
    text = await run_in_threadpool(_import, base, who, asked, place, uploaded)
    return PlainTextResponse(f"{text}\r\n")


def _place(base: Archive, who: Who, asked: Query) -> dict[str, str]:
    """Where to: project, subject, session and `archive`, `prearchive` or `any`, from the query.

    `dest` may have them in its path; single parameters say more.
    """
    parts = [part for part in asked.get("dest").split("/") if part]
    kind = parts[0] if parts else "any"
    if kind not in ("archive", "prearchive", "any"):
        raise Refused(400, "The destination is /archive or /prearchive.")
    place = {"kind": kind}
    words = {"projects": "project", "subjects": "subject", "experiments": "session"}
    for word, value in pairwise(parts):
        if word in words:
            place[words[word]] = value
    for names, word in (
        (("project", "PROJECT_ID"), "project"),
        (("subject", "subject_ID", "SUBJECT_ID"), "subject"),
        (("session", "expt_label", "EXPT_LABEL"), "session"),
    ):
        value = next((asked.get(name) for name in names if asked.get(name)), "")
        if value:
            place[word] = value
    for word in ("project", "subject", "session"):
        if word in place:
            check_label(place[word], word)
    if "project" in place:
        project = base.store.project(place["project"])
        if project is None or not base.auth.may(who.user, "read", project):
            raise Refused(404, "The project does not exist.")
        if not base.auth.may(who.user, "edit", project):
            raise Refused(403, "The user has no right to import into the project.")
        if "subject" in place:
            known = base.store.subject(place["subject"], project.id)
            place["subject"] = known.label if known else place["subject"]
        # Where to what comes without a destination is for the project to say.
        code = project.fields.get("prearchive_code", SETTINGS["prearchive_code"])
        if kind == "any" and code != "0":
            place["kind"] = "archive"
    elif kind == "archive":
        raise Refused(400, "An import into the archive names its project.")
    if asked.get("overwrite", "none") not in _OVERWRITES:
        raise Refused(400, "Overwrite is none, append or delete.")
    return place


def _import(base: Archive, who: Who, asked: Query, place: dict[str, str], uploaded: Path) -> str:
    paths = [uploaded]
    gradual = asked.get("import-handler").lower() in _GRADUAL
    try:
        if kind := archives.kind_of(uploaded):
            members = archives.extract(uploaded, kind, base.resources.incoming)
            paths += [member.temporary for member in members]
        staged = base.prearchive.stage(
            paths[1:] or paths,
            place.get("project"),
            place.get("subject"),
            place.get("session"),
            receiving=gradual and asked.get("action") != "commit",
        )
        if gradual or place["kind"] == "prearchive":
            return "\r\n".join(f"/data{one.url}" for one in staged)
        if len(staged) > 1:
            raise Refused(400, "Upload included files for multiple imaging sessions.")
        if place["kind"] == "any":
            return f"/data{staged[0].url}"
        overwrite = asked.get("overwrite") or "none"
        done = base.prearchive.archive(staged[0], who.user.login, overwrite=overwrite)
        return archived_uri(base, done)
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


# Catalog refresh -----------------------------------------------------------------------------


async def refresh(request: Request, who: Who) -> Response:
    """POST /data/services/refresh/catalog?resource=/archive/...&options=append,delete,checksum.

    Of a session it refreshes the scans' and the assessors' catalogs, too.
    """
    asked = query.parse(request.url.query)
    await run_in_threadpool(_refresh, archive(request), who, asked)
    return PlainTextResponse("")


def _refresh(base: Archive, who: Who, asked: Query) -> None:
    options = {
        option for name, value in asked if name.lower() == "options" for option in value.split(",")
    }
    for path in [value for name, value in asked if name.lower() == "resource"]:
        call = targets.Call(
            base.store, base.resources, base.auth, who.user, "POST",
            address.parse([part for part in path.split("/") if part]), query.Query(), path,
        )  # fmt: skip
        target = targets.resolve(call)
        targets.require_found(target)
        call.require("edit", target.owner)
        if target.resource:
            catalogs.refresh(base.resources, target.owner, target.resource, options)
            continue
        for owner in base.store.with_parts(target.owner):
            for resource in base.resources.of(owner):
                catalogs.refresh(base.resources, owner, resource, options)


def routes() -> list[Route]:
    return [
        Route("/data/services/import", signed_in(import_), methods=["POST"]),
        Route("/data/services/refresh/catalog", signed_in(refresh), methods=["POST"]),
    ]
