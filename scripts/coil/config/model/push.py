"""The words of `push` and of `export.to` in a project's file: what goes to an archive."""

from typing import Annotated

from coil.config.model.table import UNIQUE, Name, NonEmpty, Table, WebAddress


class Target(Table, frozen=True, kw_only=True):
    """Another project, perhaps of another server."""

    project: NonEmpty
    """The project's ID."""
    server: WebAddress | None = None
    """Its server, if that is another one. User and password then come from XNAT_EXPORT_USER and
    XNAT_EXPORT_PASS or from ~/.netrc."""
    ca_bundle: str | None = None
    """A file with the certificates to trust, as in `archive`."""


class Push(Table, frozen=True, kw_only=True):
    """The results that go back to the archive."""

    reports: bool = False
    """Push each session's report and QC record as the session resource `coil`, and the
    project's report as a project resource."""
    bids_resources: bool = False
    """Push the anonymized images of each mapped scan (with bval and bvec) into the scan's
    resource `NIFTI` and its sidecar (with events) into its resource `BIDS`, where XNAT's own
    BIDS containers look for them. A scan that has such a resource from somebody else is left
    alone."""
    derivatives: Annotated[tuple[str, ...], UNIQUE] = ()
    """Analyses whose results are pushed, each as a resource of the session, for example
    `coil_qc`, or of the project where it is run on subjects or the project."""
    assessor: bool = False
    """Push the QC numbers of each session as an assessor of the type xnat:qcAssessmentData,
    whose label is the session's label followed by `_coil`, so that the archive shows them and
    can search them."""
    resource: Name = "coil"
    """The label of the resource that this workflow writes; it also ends the assessor's label
    and begins those of the derivatives. The receipt of all that was pushed lies there, so that
    with another label what was pushed before is no longer known as ours."""
