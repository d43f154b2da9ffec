"""Resources and files as they are listed."""

from localxnat.api.responses import Row
from localxnat.storage.resources import File, Resource
from localxnat.storage.store import Object


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def resource_row(owner: Object, resource: Resource) -> Row:
    """A resource as listed; it has no ID, URI or xsiType."""
    is_scan = owner.kind == "scan"
    category = {"scan": "scans", "assessor": "assessors"}.get(owner.kind, "resources")
    return {
        "xnat_abstractresource_id": str(resource.id),
        "label": resource.label,
        "element_name": "xnat:resourceCatalog",
        "category": category,
        "cat_id": owner.id,
        "cat_desc": owner.fields.get("type", "") if is_scan else "",
        "file_count": _text(resource.file_count),
        "file_size": _text(resource.file_size),
        "tags": resource.tags,
        "content": resource.content,
        "format": resource.format,
    }


def file_row(owner_uri: str, resource: Resource, file: File) -> Row:
    """A file as listed, with its MD5."""
    return {
        "Name": file.path.rsplit("/", 1)[-1],
        "Size": str(file.size),
        "URI": f"{owner_uri}/resources/{resource.id}/files/{file.path}",
        "collection": resource.label,
        "file_tags": file.tags,
        "file_format": file.format or resource.format,
        "file_content": file.content or resource.content,
        "cat_ID": str(resource.id),
        "digest": file.digest,
    }
