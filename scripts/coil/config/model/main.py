"""The words of config.yaml."""

from typing import Annotated, Literal

from msgspec import Meta

from coil.config.model.dataset import About
from coil.config.model.table import UNIQUE, Name, OneOrMore, Table


class Merged(Table, frozen=True, kw_only=True):
    """A dataset made of those of several projects."""

    name: Name
    """The merged dataset's name in every path, results/<name>/bids."""
    projects: Annotated[tuple[str, ...], Meta(min_length=2), UNIQUE]
    """The projects, by their names in paths. Sessions are hard links to those of their own
    datasets."""
    site: Literal["column", "entity"] = "column"
    """How a participant's site is told: as a `column` of participants.tsv, or also as an
    `entity`, the beginning of the label, sub-<site><label>. With `column` no two projects may
    have a participant of one label."""
    sites: dict[str, Annotated[str, Meta(pattern="^[A-Za-z0-9]+$")]] = {}
    """The sites' names by project, letters and digits; the project's name without it."""
    bids: About
    """What the merged dataset says of itself, as `bids` in a project's file."""


class Retry(Table, frozen=True, kw_only=True):
    """Which failures are tried again, and how often."""

    which: Literal["transient", "all", "none"] = "transient"
    """`transient` those that can go away by themselves (the server was away, a disk full, a
    program ended by a signal), `all` every one, `none` none."""
    times: Annotated[int, Meta(ge=1)] = 5
    """How often in a row a failure that can go away by itself is tried before it waits for a
    person, who may have it tried with `--config retry=all`."""


class Config(Table, frozen=True, kw_only=True):
    """Which projects are processed, and how one invocation behaves."""

    projects: Annotated[
        tuple[Annotated[str, Meta(pattern=r"[A-Za-z0-9_-]+\.ya?ml$")], ...], UNIQUE
    ] = ()
    """The project files, one a project; paths are relative to the folder where snakemake runs,
    or to this checkout. The file's name (without .yaml) is the project's name in every path."""
    discover: bool | Literal["thorough"] = True
    """Ask the archive at the start of every invocation which sessions there are. `false` works
    from what the last invocation found, without a network; `thorough` also compares the digests
    of all files, one request a session, because an XNAT may not show in its list that a file
    was replaced by one of the same size."""
    retry: Retry = Retry()
    """Which failures are tried again, and how often; `retry: all` is short for
    `retry: {which: all}`."""
    check: Literal["changed", "full"] = "changed"
    """How it is found out what is settled. Sessions, settings and code are compared by content
    each time, files that were made by their sizes; `full` reads these files, too."""
    keep_quarantine: bool = False
    """Keep the identified files of all sessions in quarantine/, to look into a failure. They
    are removed by the next invocation without this key."""
    dry_push: bool = False
    """Only say what would be pushed. Nothing is written to any archive; the next invocation
    without this key pushes."""
    locked: OneOrMore = ""
    """A `run.lock.yaml`, or several, one a project: only their projects and sessions are worked
    on, and the run is refused, with the names of what differs, where config, code,
    environments, versions or the archive's data are not what made those datasets."""
    session: str = ""
    """The one session that `preview` shows, as it is called in results/, for example
    sub-x1_ses-y2. Without it all are shown."""
    preview: Literal["listing", "headers"] = "listing"
    """What `preview` and `init` go by: the archive's `listing`, or also the `headers`, of which
    one a series is fetched: the beginning of one file. For `preview` they are kept below
    private/, so that only those of new series are asked for the next time."""
    doctor: Literal["read", "write"] = "read"
    """Whether `doctor` only reads (`read`) or also makes a resource of its own in each project
    that it looks at, reads it back and removes it (`write`)."""
    merged: tuple[Merged, ...] = ()
    """Datasets that are merged from those of several projects, validated for themselves."""
    project: str = ""
    """The archive's ID of the project for which `init` proposes a config, as
    config/projects/<ID>.yaml, and at which `doctor` looks in place of the config's."""
    server: Annotated[str, Meta(pattern="^(https?://.+)?$")] = ""
    """The address of the archive that `init` and `doctor` ask. Without it the environment's
    XNAT_HOST counts."""
