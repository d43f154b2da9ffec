"""The types that the archive knows, and which of them is a kind of which."""

PARENTS: dict[str, str | None] = {
    "xnat:projectData": None,
    "xnat:subjectData": None,
    "xnat:experimentData": None,
    "xnat:subjectAssessorData": "xnat:experimentData",
    "xnat:imageSessionData": "xnat:subjectAssessorData",
    "xnat:mrSessionData": "xnat:imageSessionData",
    "xnat:petSessionData": "xnat:imageSessionData",
    "xnat:ctSessionData": "xnat:imageSessionData",
    "xnat:otherDicomSessionData": "xnat:imageSessionData",
    "xnat:subjectVariablesData": "xnat:subjectAssessorData",
    "xnat:derivedData": "xnat:experimentData",
    "xnat:imageAssessorData": "xnat:derivedData",
    "xnat:mrAssessorData": "xnat:imageAssessorData",
    "xnat:qcAssessmentData": "xnat:mrAssessorData",
    "xnat:qcManualAssessorData": "xnat:imageAssessorData",
    "xnat:imageScanData": None,
    "xnat:mrScanData": "xnat:imageScanData",
    "xnat:petScanData": "xnat:imageScanData",
    "xnat:ctScanData": "xnat:imageScanData",
    "xnat:srScanData": "xnat:imageScanData",
    "xnat:segScanData": "xnat:imageScanData",
    "xnat:scScanData": "xnat:imageScanData",
    "xnat:otherDicomScanData": "xnat:imageScanData",
}
ABSTRACT = {
    "xnat:experimentData",
    "xnat:subjectAssessorData",
    "xnat:imageSessionData",
    "xnat:derivedData",
    "xnat:imageAssessorData",
    "xnat:mrAssessorData",
    "xnat:imageScanData",
}
ROOTS = {
    "project": "xnat:projectData",
    "subject": "xnat:subjectData",
    "experiment": "xnat:subjectAssessorData",
    "assessor": "xnat:imageAssessorData",
    "scan": "xnat:imageScanData",
}
_SPELLING = {name.lower(): name for name in PARENTS}


def spell(xsi_type: str) -> str | None:
    """The type in the schema's spelling, whatever the case it came in; None if unknown."""
    return _SPELLING.get(xsi_type.lower())


def is_a(xsi_type: str, ancestor: str) -> bool:
    """Whether a type is another one or extends it."""
    current: str | None = xsi_type
    while current is not None:
        if current == ancestor:
            return True
        current = PARENTS.get(current)
    return False


def fits(xsi_type: str, kind: str) -> bool:
    """Whether an object of a kind (see ROOTS) can have this type."""
    return xsi_type not in ABSTRACT and is_a(xsi_type, ROOTS[kind])


# Element names of the types, as in XNAT's XML: xnat:MRSession is an xnat:mrSessionData.
ELEMENTS = {
    "xnat:projectData": "Project",
    "xnat:subjectData": "Subject",
    "xnat:mrSessionData": "MRSession",
    "xnat:petSessionData": "PETSession",
    "xnat:ctSessionData": "CTSession",
    "xnat:otherDicomSessionData": "OtherDicomSession",
    "xnat:subjectVariablesData": "SubjectVariables",
    "xnat:qcAssessmentData": "QCAssessment",
    "xnat:qcManualAssessorData": "QCManualAssessment",
    "xnat:mrScanData": "MRScan",
    "xnat:petScanData": "PETScan",
    "xnat:ctScanData": "CTScan",
    "xnat:srScanData": "SRScan",
    "xnat:segScanData": "SegScan",
    "xnat:scScanData": "SCScan",
    "xnat:otherDicomScanData": "OtherDicomScan",
}

INTEGERS = {"yob", "age", "education", "ses", "employment", "frames", "parameters/partitions"}
FLOATS = {
    "gestational_age",
    "post_menstrual_age",
    "birth_weight",
    "height",
    "weight",
    "parameters/tr",
    "parameters/te",
    "parameters/ti",
    "parameters/flip",
    "parameters/voxelRes/x",
    "parameters/voxelRes/y",
    "parameters/voxelRes/z",
}


def typed(name: str, value: str) -> str | int | float:
    """A field's value as item JSON gives it: numbers where the schema says number."""
    try:
        if name in INTEGERS:
            return int(value)
        if name in FLOATS:
            return float(value)
    except ValueError:
        return value
    return value
