"""The types that an object of the archive can have."""

from localxnat.model.types import ELEMENTS, TYPES, is_a, spell

__all__ = ["ABSTRACT", "ELEMENTS", "ROOTS", "TYPES", "fits", "is_a", "spell"]

# Types whose objects are always of one that extends them.
ABSTRACT = {
    "xnat:experimentData",
    "xnat:subjectAssessorData",
    "xnat:imageSessionData",
    "xnat:derivedData",
    "xnat:imageScanData",
}
ROOTS = {
    "project": "xnat:projectData",
    "subject": "xnat:subjectData",
    "experiment": "xnat:subjectAssessorData",
    "assessor": "xnat:imageAssessorData",
    "scan": "xnat:imageScanData",
    "reconstruction": "xnat:reconstructedImageData",
}


def fits(xsi_type: str, kind: str) -> bool:
    """Whether an object of a kind (see ROOTS) can have this type."""
    return xsi_type not in ABSTRACT and is_a(xsi_type, ROOTS[kind])
