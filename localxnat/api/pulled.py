"""`pullDataFromHeaders=true`: fields read again from the DICOM files of scans."""

from localxnat.storage import dicom, importer
from localxnat.storage.dicom import Series
from localxnat.storage.resources import Resources
from localxnat.storage.store import Object


def pull(resources: Resources, item: Object) -> None:
    """Set the fields of a scan, or of a session and its scans, as an import sets them."""
    store = resources.store
    scans = store.children(item, "scan") if item.kind == "experiment" else [item]
    found = [(scan, series) for scan in scans if (series := _series(resources, scan))]
    for scan, series in found:
        store.set_fields(scan, dicom.scan_fields(series))
    if found and item.kind == "experiment":
        store.set_fields(item, dicom.session_fields([series for _, series in found]))


def _series(resources: Resources, scan: Object) -> Series | None:
    paths = [
        resources.path_of(resource, file.path)
        for resource in resources.of(scan)
        if resource.label == "DICOM"
        for file in resources.files(resource)
    ]
    collected, _ = importer.collect([path for path in paths if path.is_file()])
    return collected[0] if collected else None
